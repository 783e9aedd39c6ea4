// SPDX-License-Identifier: GPL-3.0-or-later
// LLaMA and what has its layout: Mistral, Qwen2/2.5/3, and models saved as LLaMA (SmolLM, Vicuna).
#include "core/model/config_reading.h"
#include "core/model/families.h"

#include <algorithm>

namespace sa
{

namespace
{

using namespace config_reading;

Result<void> readLlamaLayout(const JsonField& config, ModelConfig& out)
{
    out.names = kLlamaNames;
    SA_CHECK(readCommon(config, out, /*tiedByDefault=*/false));
    SA_TRY(out.activation, readActivation(config, "hidden_act", "silu", {Activation::Silu}));
    SA_TRY(out.rope, readRope(config, out));
    if (out.rope.scaling == RopeConfig::Scaling::Dynamic) // grows with the text up to the factor
        out.positions = static_cast<std::int64_t>(static_cast<double>(out.positions) * std::max(1.0, out.rope.factor));
    return {};
}

/// Qwen2 and Qwen3: `sliding_window` counts only with `use_sliding_window`, from block `max_window_layers` on.
Result<void> readQwenWindows(const JsonField& config, ModelConfig& out)
{
    SA_TRY(const bool used, config.boolOr("use_sliding_window", false));
    SA_TRY(const auto window, config.intOr("sliding_window", 0, 0, kMaxPositions));
    SA_TRY(const auto first, config.intOr("max_window_layers", 28, 0, kMaxLayers));
    if (used || config.has("layer_types")) {
        SA_TRY(out.windows,
               readWindows(config, out, used ? window : 0, [&](std::int64_t block) { return block >= first; }));
    }
    return {};
}

} // namespace

Result<void> readLlama(const JsonField& config, ModelConfig& out)
{
    out.family = "llama";
    SA_CHECK(readLlamaLayout(config, out));
    SA_TRY(const bool attentionBias, config.boolOr("attention_bias", false));
    out.queryBias = out.keyValueBias = out.outputBias = attentionBias;
    SA_TRY(out.mlpBias, config.boolOr("mlp_bias", false));
    return {};
}

Result<void> readMistral(const JsonField& config, ModelConfig& out)
{
    out.family = "mistral";
    SA_CHECK(readLlamaLayout(config, out));
    // The reference's fallback for an absent field, as against null, is 4096.
    std::int64_t window = 0;
    if (!config.raw().contains("sliding_window"))
        window = 4096;
    else if (config.has("sliding_window")) {
        SA_TRY(window, config.intAt("sliding_window", 1, kMaxPositions));
    }
    SA_TRY(out.windows, readWindows(config, out, window, [](std::int64_t) { return true; }));
    return {};
}

Result<void> readQwen2(const JsonField& config, ModelConfig& out)
{
    out.family = "qwen2";
    SA_CHECK(readLlamaLayout(config, out));
    out.queryBias = out.keyValueBias = true;
    return readQwenWindows(config, out);
}

Result<void> readQwen3(const JsonField& config, ModelConfig& out)
{
    out.family = "qwen3";
    SA_CHECK(readLlamaLayout(config, out));
    if (!config.has("head_dim"))
        out.headDim = 128; // the reference's fallback; not hidden/heads
    SA_TRY(const bool attentionBias, config.boolOr("attention_bias", false));
    out.queryBias = out.keyValueBias = out.outputBias = attentionBias;
    out.queryKeyNorm = true;
    out.names.queryNorm = "self_attn.q_norm";
    out.names.keyNorm = "self_attn.k_norm";
    return readQwenWindows(config, out);
}

} // namespace sa
