// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/config_reading.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace sa::config_reading
{

namespace
{

struct ActivationName {
    std::string_view name;
    Activation activation;
};
constexpr ActivationName kActivations[] = {
    {"silu", Activation::Silu}, {"swish", Activation::Silu},        {"relu", Activation::Relu},
    {"gelu", Activation::Gelu}, {"gelu_new", Activation::GeluTanh}, {"gelu_pytorch_tanh", Activation::GeluTanh}};

/// Parts of names under which configurations announce computation that a plain decoder does not have.
constexpr std::string_view kTellingParts[] = {"multiplier",
                                              "softcap",
                                              "clip_",
                                              "expert",
                                              "moe",
                                              "rotary",
                                              "alibi",
                                              "parallel_attn",
                                              "parallel_residual",
                                              "logit_scale",
                                              "logits_scal",
                                              "residual_scal",
                                              "qk_norm",
                                              "qk_layernorm",
                                              "use_qk",
                                              "no_rope",
                                              "nope_",
                                              "chunk_size",
                                              "bidirectional",
                                              "lora",
                                              "adapter",
                                              "vision",
                                              "mamba",
                                              "ssm_",
                                              "cross_attention",
                                              "attention_sink",
                                              "mrope",
                                              "kv_shared",
                                              "altup",
                                              "laurel",
                                              "embedding_scale",
                                              "depth_scale",
                                              "scale_emb",
                                              "scale_depth"};

/// Their neutral spellings elsewhere; read by a family or without effect on a decoder.
constexpr std::string_view kHarmless[] = {
    "attn_logit_softcapping", "final_logit_softcapping",     "offset_alibi",         "alibi", "chunk_size_feed_forward",
    "add_cross_attention",    "use_bidirectional_attention", "partial_rotary_factor"};

bool neutral(const Json& value)
{
    if (value.is_null() || value.is_string())
        return true;
    if (value.is_boolean())
        return !value.get<bool>();
    if (value.is_number())
        return value.get<double>() == 0.0 || value.get<double>() == 1.0;
    return value.empty();
}

Result<void> refusePartialRotation(const JsonField& p, const std::string& place)
{
    SA_TRY(const double share, p.doubleOr("partial_rotary_factor", 1.0, 0.0, 1.0));
    if (share == 1.0)
        return {};
    return makeError(Errc::Unsupported, "rotating a part of each head is not supported")
        .in(p.file())
        .at(place)
        .butFound(std::to_string(share))
        .wanted("1.0");
}

Result<double> yarnAttentionFactor(const JsonField& p, double factor)
{
    if (const auto given = p.find("attention_factor"))
        return given->asDouble(0.0, 1e6);
    const auto magnitude = [&](double scale) { return factor <= 1.0 ? 1.0 : 0.1 * scale * std::log(factor) + 1.0; };
    SA_TRY(const double mscale, p.doubleOr("mscale", 0.0, 0.0, 1e6));
    SA_TRY(const double mscaleAll, p.doubleOr("mscale_all_dim", 0.0, 0.0, 1e6));
    return mscale != 0.0 && mscaleAll != 0.0 ? magnitude(mscale) / magnitude(mscaleAll) : magnitude(1.0);
}

} // namespace

Result<std::int64_t> readHeadDim(const JsonField& config, const ModelConfig& out, const char* headsField)
{
    if (const auto headDim = config.find("head_dim"))
        return headDim->asInt(1, 65536);
    if (out.hidden % out.heads != 0)
        return makeError(Errc::BadFormat, "the hidden size cannot be split into the heads")
            .in(config.file())
            .at(headsField)
            .butFound(std::to_string(out.heads))
            .wanted("a divisor of hidden_size = " + std::to_string(out.hidden));
    return out.hidden / out.heads;
}

Result<void> readCommon(const JsonField& config, ModelConfig& out, bool tiedByDefault)
{
    SA_TRY(out.hidden, config.intAt("hidden_size", 1, kMaxDimension));
    SA_TRY(out.intermediate, config.intAt("intermediate_size", 1, kMaxDimension));
    SA_TRY(out.layers, config.intAt("num_hidden_layers", 1, kMaxLayers));
    SA_TRY(out.heads, config.intAt("num_attention_heads", 1, 65536));
    SA_TRY(out.kvHeads, config.intOr("num_key_value_heads", out.heads, 1, 65536));
    SA_TRY(out.headDim, readHeadDim(config, out, "num_attention_heads"));
    SA_TRY(out.vocab, config.intAt("vocab_size", 1, kMaxDimension));
    SA_TRY(out.positions, config.intOr("max_position_embeddings", 2048, 1, kMaxPositions));
    SA_TRY(out.normEpsilon, config.doubleOr("rms_norm_eps", 1e-6, 0.0, 1.0));
    SA_TRY(out.tiedHead, config.boolOr("tie_word_embeddings", tiedByDefault));
    return {};
}

Result<Activation> readActivation(const JsonField& config, const char* key, const char* fallback,
                                  std::initializer_list<Activation> allowed)
{
    SA_TRY(const std::string found, config.stringOr(key, fallback));
    std::string names;
    for (const auto& known : kActivations) {
        if (std::find(allowed.begin(), allowed.end(), known.activation) == allowed.end())
            continue;
        if (found == known.name)
            return known.activation;
        names += (names.empty() ? "" : ", ") + std::string(known.name);
    }
    return makeError(Errc::Unsupported, "this activation is not supported for this architecture")
        .in(config.file())
        .at(key)
        .butFound("\"" + display(found, 60) + "\"")
        .wanted(names);
}

Result<RopeConfig> readRopeParameters(const JsonField& p, const ModelConfig& model, double fallbackTheta)
{
    using Scaling = RopeConfig::Scaling;
    RopeConfig rope;
    if (!p.isObject())
        return p.wrong("an object or null");
    SA_TRY(rope.theta, p.doubleOr("rope_theta", fallbackTheta, 1.0, 1e12));
    SA_CHECK(refusePartialRotation(p, p.path() + ".partial_rotary_factor"));
    SA_TRY(std::string type, p.stringOr("rope_type", ""));
    if (type.empty()) {
        SA_TRY(type, p.stringOr("type", "default"));
    }
    if (type == "default")
        return rope;
    constexpr std::pair<std::string_view, Scaling> kTypes[] = {{"linear", Scaling::Linear},
                                                               {"dynamic", Scaling::Dynamic},
                                                               {"llama3", Scaling::Llama3},
                                                               {"yarn", Scaling::Yarn}};
    const auto known =
        std::find_if(std::begin(kTypes), std::end(kTypes), [&](const auto& t) { return t.first == type; });
    if (known == std::end(kTypes))
        return makeError(Errc::Unsupported, "this kind of position scaling is not supported")
            .in(p.file())
            .at(p.path() + ".rope_type")
            .butFound("\"" + display(type, 60) + "\"")
            .wanted("default, linear, dynamic, llama3 or yarn");
    rope.scaling = known->second;
    SA_TRY(const JsonField factor, p.at("factor"));
    SA_TRY(rope.factor, factor.asDouble(1e-3, 1e6));
    const double context = static_cast<double>(model.positions);
    const double fallback = rope.scaling == Scaling::Llama3 ? rope.originalPositions : context;
    SA_TRY(rope.originalPositions, p.doubleOr("original_max_position_embeddings", fallback, 1.0, 1e9));
    if (rope.scaling == Scaling::Dynamic)
        rope.originalPositions = context; // the reference measures growth against the configured context
    if (rope.scaling == Scaling::Llama3) {
        SA_TRY(rope.lowFrequencyFactor, p.doubleOr("low_freq_factor", rope.lowFrequencyFactor, 1e-3, 1e6));
        SA_TRY(rope.highFrequencyFactor, p.doubleOr("high_freq_factor", rope.highFrequencyFactor, 1e-3, 1e6));
        if (rope.highFrequencyFactor <= rope.lowFrequencyFactor)
            return makeError(Errc::BadFormat, "the frequency factors are in the wrong order")
                .in(p.file())
                .at(p.path() + ".high_freq_factor")
                .wanted("more than low_freq_factor");
    }
    if (rope.scaling == Scaling::Yarn) {
        SA_TRY(rope.betaFast, p.doubleOr("beta_fast", rope.betaFast, 1e-3, 1e6));
        SA_TRY(rope.betaSlow, p.doubleOr("beta_slow", rope.betaSlow, 1e-3, 1e6));
        SA_TRY(rope.roundRamp, p.boolOr("truncate", true));
        SA_TRY(rope.attentionFactor, yarnAttentionFactor(p, rope.factor));
    }
    return rope;
}

Result<RopeConfig> readRope(const JsonField& config, const ModelConfig& model)
{
    SA_TRY(const double theta, config.doubleOr("rope_theta", 10000.0, 1.0, 1e12));
    SA_CHECK(refusePartialRotation(config, "partial_rotary_factor"));
    auto parameters = config.find("rope_parameters");
    if (!parameters)
        parameters = config.find("rope_scaling");
    if (parameters)
        return readRopeParameters(*parameters, model, theta);
    RopeConfig rope;
    rope.theta = theta;
    return rope;
}

Result<std::vector<std::int64_t>> readWindows(const JsonField& config, const ModelConfig& model, std::int64_t window,
                                              const std::function<bool(std::int64_t block)>& slides)
{
    std::vector<std::int64_t> out(static_cast<std::size_t>(model.layers), 0);
    const auto types = config.find("layer_types");
    if (!types) {
        for (std::int64_t block = 0; block < model.layers; ++block)
            out[static_cast<std::size_t>(block)] = slides(block) ? window : 0;
        return out;
    }
    SA_TRY(const auto list, types->elements(kMaxLayers));
    if (static_cast<std::int64_t>(list.size()) != model.layers)
        return types->wrong("one entry for each of the " + std::to_string(model.layers) + " layers");
    for (std::size_t block = 0; block < list.size(); ++block) {
        SA_TRY(const std::string type, list[block].asString());
        if (type == "sliding_attention") {
            if (window == 0)
                return makeError(Errc::BadFormat, "a layer has a sliding window whose size is not given")
                    .in(config.file())
                    .at("sliding_window")
                    .wanted("a number, since " + list[block].path() + " is \"sliding_attention\"");
            out[block] = window;
        } else if (type != "full_attention") {
            return makeError(Errc::Unsupported, "this kind of attention is not supported")
                .in(config.file())
                .at(list[block].path())
                .butFound("\"" + display(type, 60) + "\"")
                .wanted("full_attention or sliding_attention");
        }
    }
    return out;
}

Result<void> requireFlag(const JsonField& config, const char* key, bool value, bool fallback)
{
    SA_TRY(const bool found, config.boolOr(key, fallback));
    if (found == value)
        return {};
    return makeError(Errc::Unsupported, "this setting changes what the model computes and is not supported")
        .in(config.file())
        .at(key)
        .butFound(found ? "true" : "false")
        .wanted(value ? "true" : "false");
}

Result<void> refuseUnknownComputation(const JsonField& config)
{
    SA_TRY(const auto members, config.members());
    for (const auto& [key, field] : members) {
        if (std::find(std::begin(kHarmless), std::end(kHarmless), key) != std::end(kHarmless) || neutral(field.raw()))
            continue;
        const bool telling =
            std::any_of(std::begin(kTellingParts), std::end(kTellingParts),
                        [&, &name = key](std::string_view part) { return name.find(part) != name.npos; });
        if (telling)
            return makeError(Errc::Unsupported, "this setting changes what the model computes and is not supported")
                .in(config.file())
                .at(key)
                .butFound(display(json::dump(field.raw()), 60))
                .wanted("no such setting, or its neutral value");
    }
    return {};
}

} // namespace sa::config_reading
