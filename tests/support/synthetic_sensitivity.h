// SPDX-License-Identifier: GPL-3.0-or-later
// A made-up sensitivity over real shapes, for tests, benchmarks and pictures of the layout only: no figure in it was
// measured on anything.
#pragma once

#include "core/alloc/sensitivity.h"

#include <cmath>
#include <string>

namespace sa
{

struct LlamaShape {
    int blocks, hidden, intermediate, keyRows;
};
inline constexpr LlamaShape kLlama70B{80, 8192, 28672, 1024}; ///< meta-llama/Llama-2-70b's config.json
inline constexpr LlamaShape kSmall{6, 256, 704, 256};         ///< of the sample model

inline Sensitivity syntheticSensitivity(const LlamaShape& shape, Provenance provenance = Provenance::Measured)
{
    struct Row {
        const char* name;
        const char* input;
        int N, K;
        double weight;
    };
    const int h = shape.hidden;
    const int m = shape.intermediate;
    const Row rows[] = {{"self_attn.q_proj", "attention", h, h, 0.7},
                        {"self_attn.k_proj", "attention", shape.keyRows, h, 0.9},
                        {"self_attn.v_proj", "attention", shape.keyRows, h, 2.2},
                        {"self_attn.o_proj", "context", h, h, 1.2},
                        {"mlp.gate_proj", "mlp", m, h, 1.0},
                        {"mlp.up_proj", "mlp", m, h, 1.3},
                        {"mlp.down_proj", "hidden", h, m, 2.0}};
    Sensitivity out;
    out.model = {"LlamaForCausalLM", "synthetic", {{"model.safetensors", std::string(64, '0')}}};
    out.calibration = {{std::string(64, '0')}, 32, 512, 0};
    out.settings = {{"mode", "lat"}};
    out.forwardPasses = 1;
    out.tokens = 8192;
    out.otherBytes = static_cast<std::uint64_t>(h) * (h > 1000 ? 32000 : 4096) * 4;
    std::uint64_t state = 12345;
    const auto noise = [&state] { // SplitMix64, 0..1
        state += 0x9E3779B97F4A7C15ull;
        std::uint64_t z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
        return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
    };
    for (int block = 0; block < shape.blocks; ++block) {
        const double place = shape.blocks > 1 ? static_cast<double>(block) / (shape.blocks - 1) : 0;
        const double depth = 0.6 + 3.5 * std::exp(-9 * place) + 1.2 * std::exp(-14 * (1 - place)) + 0.5 * place;
        int index = 0;
        for (const Row& row : rows) {
            LinearSensitivity linear;
            linear.name = "model.layers." + std::to_string(block) + "." + row.name;
            linear.projection = std::string(row.name).substr(std::string(row.name).find('.') + 1);
            linear.input = row.input;
            linear.block = block;
            linear.index = index++;
            linear.N = row.N;
            linear.K = row.K;
            const double score = 0.02 * row.weight * depth * (0.55 + 0.9 * noise()) * 6 / shape.blocks;
            linear.weightScore = {score * (0.7 + 0.6 * noise()), Provenance::Estimated};
            const bool measured = provenance != Provenance::Estimated;
            for (int bits = 1; bits <= 4; ++bits) {
                Choice choice;
                choice.bits = bits;
                const auto planes = static_cast<std::uint64_t>(row.N) * static_cast<std::uint64_t>(row.K) / 8;
                choice.bytes = static_cast<std::uint64_t>(bits) * (planes + static_cast<std::uint64_t>(row.K) * 2);
                if (measured) {
                    choice.error = {relativeErrorAt(bits) * (0.6 + 0.5 * noise()), provenance};
                    choice.damage = {choice.error.value * score, provenance};
                }
                linear.choices.push_back(choice);
            }
            linear.choices.push_back({kKeptBits,
                                      static_cast<std::uint64_t>(row.N) * static_cast<std::uint64_t>(row.K) * 2,
                                      {0, Provenance::Measured},
                                      {0, Provenance::Measured}});
            if (measured) {
                linear.criterion = {score * 50 * (0.8 + 0.4 * noise()), provenance};
                TensorDetail detail;
                detail.deviation = 0.02;
                detail.min = -0.21;
                detail.max = 0.19;
                detail.histogram.low = -0.21;
                detail.histogram.high = 0.19;
                for (int bin = 0; bin < 41; ++bin)
                    detail.histogram.counts.push_back(
                        static_cast<std::uint64_t>(1e6 * std::exp(-0.5 * std::pow((bin - 21) / 4.0, 2)) + 3));
                for (int i = 0; i < 8; ++i)
                    detail.outliers.push_back({(i * 977) % row.K, 14.0 / (i + 1)});
                for (int bits = 1; bits <= 4; ++bits)
                    detail.planeResidual.push_back(relativeErrorAt(bits));
                detail.exponents.first = -9;
                detail.exponents.counts = {3, 40, 420, 900, 610, 130, 12};
                linear.detail = detail;
            }
            out.linears.push_back(std::move(linear));
        }
    }
    return out;
}

} // namespace sa
