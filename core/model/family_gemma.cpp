// SPDX-License-Identifier: GPL-3.0-or-later
// Gemma 1 to 3 (text): norms of weight 1 + w, embeddings times sqrt(hidden), GeGLU; from Gemma-2 on norms around each
// part, soft caps and alternating windows; Gemma-3 norms queries and keys and gives windowed blocks their own rotation.
#include "core/model/config_reading.h"
#include "core/model/families.h"

#include <cmath>

namespace sa
{

namespace
{

using namespace config_reading;

Result<void> readGemmaLayout(const JsonField& config, ModelConfig& out, std::int64_t defaultHeadDim)
{
    out.family = "gemma";
    out.names = kLlamaNames;
    SA_CHECK(readCommon(config, out, /*tiedByDefault=*/true));
    if (!config.has("head_dim"))
        out.headDim = defaultHeadDim;
    out.norm = NormKind::RmsPlusOne;
    out.embeddingScale = std::sqrt(static_cast<double>(out.hidden));
    SA_TRY(const bool bias, config.boolOr("attention_bias", false));
    out.queryBias = out.keyValueBias = out.outputBias = bias;
    SA_CHECK(requireFlag(config, "use_bidirectional_attention", false, false));
    return {};
}

Result<void> readSandwich(const JsonField& config, ModelConfig& out)
{
    out.normPlacement = NormPlacement::Sandwich;
    out.names.attentionPostNorm = "post_attention_layernorm";
    out.names.mlpNorm = "pre_feedforward_layernorm";
    out.names.mlpPostNorm = "post_feedforward_layernorm";
    SA_TRY(out.activation,
           readActivation(config, "hidden_activation", "gelu_pytorch_tanh", {Activation::GeluTanh, Activation::Gelu}));
    SA_TRY(const double queryScalar, config.doubleOr("query_pre_attn_scalar", 256.0, 1e-3, 1e9));
    out.attentionScale = 1.0 / std::sqrt(queryScalar);
    return {};
}

/// `fallback` 0: no cap. A null in the file is no cap either.
Result<std::optional<double>> readSoftcap(const JsonField& config, const char* key, double fallback)
{
    if (config.raw().contains(key) && !config.has(key))
        return std::optional<double>();
    SA_TRY(const double cap, config.doubleOr(key, fallback, 0.0, 1e9));
    return cap == 0.0 ? std::nullopt : std::optional(cap);
}

} // namespace

Result<void> readGemma(const JsonField& config, ModelConfig& out)
{
    SA_CHECK(readGemmaLayout(config, out, 256));
    // The first checkpoints say hidden_act "gelu" and mean the tanh form (docs/decisions/0006); hidden_activation,
    // which came later, says what it means.
    if (config.has("hidden_activation")) {
        SA_TRY(out.activation, readActivation(config, "hidden_activation", "gelu_pytorch_tanh",
                                              {Activation::GeluTanh, Activation::Gelu}));
    } else {
        SA_TRY(out.activation,
               readActivation(config, "hidden_act", "gelu_pytorch_tanh", {Activation::GeluTanh, Activation::Gelu}));
        out.activation = Activation::GeluTanh;
    }
    SA_TRY(out.rope, readRope(config, out));
    return {};
}

Result<void> readGemma2(const JsonField& config, ModelConfig& out)
{
    SA_CHECK(readGemmaLayout(config, out, 256));
    SA_CHECK(readSandwich(config, out));
    SA_TRY(out.attentionSoftcap, readSoftcap(config, "attn_logit_softcapping", 50.0));
    SA_TRY(out.headSoftcap, readSoftcap(config, "final_logit_softcapping", 30.0));
    SA_TRY(out.rope, readRope(config, out));
    SA_TRY(const auto window, config.intOr("sliding_window", 4096, 1, kMaxPositions));
    SA_TRY(out.windows, readWindows(config, out, window, [](std::int64_t block) { return block % 2 == 0; }));
    return {};
}

Result<void> readGemma3(const JsonField& config, ModelConfig& out)
{
    SA_CHECK(readGemmaLayout(config, out, 256));
    SA_CHECK(readSandwich(config, out));
    SA_TRY(out.attentionSoftcap, readSoftcap(config, "attn_logit_softcapping", 0.0));
    SA_TRY(out.headSoftcap, readSoftcap(config, "final_logit_softcapping", 0.0));
    out.queryKeyNorm = true;
    out.names.queryNorm = "self_attn.q_norm";
    out.names.keyNorm = "self_attn.k_norm";
    SA_TRY(const auto window, config.intOr("sliding_window", 4096, 1, kMaxPositions));
    SA_TRY(const auto pattern, config.intOr("sliding_window_pattern", 6, 1, kMaxLayers));
    SA_TRY(out.windows,
           readWindows(config, out, window, [&](std::int64_t block) { return (block + 1) % pattern != 0; }));

    constexpr double kGlobalTheta = 1e6, kLocalTheta = 1e4;
    RopeConfig local;
    const auto parameters = config.find("rope_parameters");
    if (parameters && parameters->has("full_attention")) {
        SA_TRY(const JsonField full, parameters->at("full_attention"));
        SA_TRY(out.rope, readRopeParameters(full, out, kGlobalTheta));
        SA_TRY(const JsonField sliding, parameters->at("sliding_attention"));
        SA_TRY(local, readRopeParameters(sliding, out, kLocalTheta));
    } else {
        SA_TRY(out.rope, readRope(config, out));
        if (!config.has("rope_theta") && !(parameters && parameters->has("rope_theta")))
            out.rope.theta = kGlobalTheta;
        SA_TRY(local.theta, config.doubleOr("rope_local_base_freq", kLocalTheta, 1.0, 1e12));
    }
    out.localRope = local;
    return {};
}

} // namespace sa
