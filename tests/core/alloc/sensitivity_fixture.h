// SPDX-License-Identifier: GPL-3.0-or-later
// Sensitivities of made-up models with the sizes of real ones.
#pragma once

#include "core/alloc/sensitivity.h"

#include <random>
#include <string>
#include <vector>

namespace sa
{

struct FixtureLinear {
    const char* projection;
    const char* input;
    std::int64_t N, K;
    double weight; ///< how sensitive
};

inline std::vector<FixtureLinear> llamaBlock(std::int64_t hidden, std::int64_t keyValue, std::int64_t intermediate)
{
    return {{"q_proj", "attention", hidden, hidden, 1},        {"k_proj", "attention", keyValue, hidden, 1},
            {"v_proj", "attention", keyValue, hidden, 3},      {"o_proj", "attention-output", hidden, hidden, 1},
            {"gate_proj", "mlp", intermediate, hidden, 2},     {"up_proj", "mlp", intermediate, hidden, 2},
            {"down_proj", "mlp-down", hidden, intermediate, 4}};
}

/// Bytes of the packed format: `lat` has scales of 8 columns and an eighth of the rows, `acc` one of a column.
inline std::uint64_t packedBytes(std::int64_t N, std::int64_t K, int bits, bool acc)
{
    const std::int64_t R = acc ? N : (N + 7) / 8, C = acc ? 1 : 8;
    return static_cast<std::uint64_t>(4 * bits * ((K + 31) / 32) * N +
                                      2 * bits * ((K + C - 1) / C) * ((N + R - 1) / R) + (acc ? K : 0));
}

/// Measured figures: a sensitivity of the layer that spreads by e^spread and grows with depth.
inline Sensitivity makeSensitivity(int blocks, const std::vector<FixtureLinear>& block, unsigned seed,
                                   double spread = 0.7, bool acc = false)
{
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal;
    Sensitivity out;
    out.model = {"LlamaForCausalLM", "made-up", {{"model.safetensors", std::string(64, 'a')}}};
    out.calibration = {{std::string(64, 'b')}, 128, 2048, seed};
    out.settings = {{"mode", acc ? "acc" : "lat"}};
    out.forwardPasses = 100;
    out.tokens = 128 * 2048;
    out.otherBytes = 1'000'000;
    for (int b = 0; b < blocks; ++b)
        for (std::size_t p = 0; p < block.size(); ++p) {
            const FixtureLinear& shape = block[p];
            LinearSensitivity linear;
            const bool isMlp = std::string(shape.input).starts_with("mlp");
            linear.name = "model.layers." + std::to_string(b) + (isMlp ? ".mlp." : ".self_attn.") + shape.projection;
            linear.projection = shape.projection;
            linear.input = shape.input;
            linear.block = b;
            linear.index = static_cast<int>(p);
            linear.N = shape.N;
            linear.K = shape.K;
            const double scale = shape.weight * 0.01 * (1 + 2.0 * b / blocks) * std::exp(spread * normal(random));
            linear.weightScore = {scale, Provenance::Estimated};
            linear.criterion = {scale * std::exp(0.3 * normal(random)), Provenance::Measured};
            for (const int bits : {1, 2, 3, 4}) {
                const double error = relativeErrorAt(bits) * std::exp(0.1 * spread * normal(random));
                linear.choices.push_back({bits,
                                          packedBytes(shape.N, shape.K, bits, acc),
                                          {error, Provenance::Measured},
                                          {error * scale, Provenance::Measured}});
            }
            linear.choices.push_back({kKeptBits,
                                      static_cast<std::uint64_t>(2 * shape.N * shape.K),
                                      {0, Provenance::Measured},
                                      {0, Provenance::Measured}});
            out.linears.push_back(std::move(linear));
        }
    return out;
}

inline Sensitivity smallSensitivity(unsigned seed = 1)
{
    return makeSensitivity(6, llamaBlock(256, 128, 704), seed);
}

/// LLaMA-2-70B: 80 blocks, grouped keys and values.
inline Sensitivity largeSensitivity(bool acc, double spread = 0.7)
{
    return makeSensitivity(80, llamaBlock(8192, 1024, 28672), 7, spread, acc);
}

} // namespace sa
