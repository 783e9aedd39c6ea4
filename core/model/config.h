// SPDX-License-Identifier: GPL-3.0-or-later
// config.json of a Hugging Face folder as the table that the decoder runs from.
#pragma once

#include "core/base/json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sa
{

/// Rotary position embedding. Frequencies are theta^(-2i/head_dim), then scaled.
struct RopeConfig {
    enum class Scaling { None, Linear, Llama3 };
    double theta = 10000.0;
    Scaling scaling = Scaling::None;
    double factor = 1.0;              ///< positions are stretched by this
    double lowFrequencyFactor = 1.0;  ///< Llama3: wavelengths above original/low are scaled by `factor`,
    double highFrequencyFactor = 4.0; ///< below original/high left alone, between interpolated
    double originalPositions = 8192.0;
};

struct ModelConfig {
    std::string architecture; ///< "LlamaForCausalLM"
    std::string family;       ///< "llama"
    std::int64_t hidden = 0, intermediate = 0, layers = 0, heads = 0, kvHeads = 0, headDim = 0, vocab = 0;
    std::int64_t positions = 0; ///< longest sequence the model was made for
    double normEpsilon = 1e-6;
    RopeConfig rope;
    bool tiedHead = false;
    bool attentionBias = false;
    bool mlpBias = false;
    std::vector<std::int32_t> eosIds; ///< any of them ends a generated text

    /// BadFormat when an id has no embedding: the tokenizer belongs to another model.
    Result<void> checkIds(const std::vector<std::int32_t>& ids) const;

    /// Errors name the field. Unsupported: another architecture, activation or position scheme.
    static Result<ModelConfig> parse(const JsonField& config);
};

/// One linear layer of a decoder block: what gets quantized.
struct LinearInfo {
    std::string name;       ///< tensor name without ".weight"
    std::string projection; ///< "q_proj"
    int block = 0;
    std::int64_t N = 0, K = 0;
    bool bias = false;
};

/// In the order of quantization (algorithm 4.1): block by block, q k v o gate up down.
std::vector<LinearInfo> linearLayers(const ModelConfig& config);
std::vector<LinearInfo> linearLayersOfBlock(const ModelConfig& config, int block);

/// Every tensor a dense folder of this model must hold, with its shape.
struct ExpectedTensor {
    std::string name;
    std::vector<std::int64_t> shape;
};
std::vector<ExpectedTensor> expectedTensors(const ModelConfig& config);

inline std::string blockPrefix(int block)
{
    return "model.layers." + std::to_string(block) + ".";
}

} // namespace sa
