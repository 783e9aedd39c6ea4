// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/config.h"

namespace sa
{

namespace
{

constexpr std::int64_t kMaxDimension = 1 << 24;
constexpr std::int64_t kMaxLayers = 4096;

Result<RopeConfig> parseRope(const JsonField& config)
{
    RopeConfig rope;
    SA_TRY(rope.theta, config.doubleOr("rope_theta", rope.theta, 1.0, 1e12));
    // The newer spelling holds theta and the scaling in one object; both may be absent.
    auto scaling = config.find("rope_parameters");
    if (!scaling)
        scaling = config.find("rope_scaling");
    if (!scaling)
        return rope;
    if (!scaling->isObject())
        return scaling->wrong("an object or null");
    SA_TRY(rope.theta, scaling->doubleOr("rope_theta", rope.theta, 1.0, 1e12));
    SA_TRY(std::string type, scaling->stringOr("rope_type", ""));
    if (type.empty()) {
        SA_TRY(type, scaling->stringOr("type", "default"));
    }
    if (type == "default")
        return rope;
    if (type != "linear" && type != "llama3")
        return makeError(Errc::Unsupported, "this kind of position scaling is not supported")
            .in(config.file())
            .at(scaling->path() + ".rope_type")
            .butFound("\"" + type + "\"")
            .wanted("default, linear or llama3");
    SA_TRY(const JsonField factor, scaling->at("factor"));
    SA_TRY(rope.factor, factor.asDouble(1.0, 1e6));
    if (type == "linear") {
        rope.scaling = RopeConfig::Scaling::Linear;
        return rope;
    }
    rope.scaling = RopeConfig::Scaling::Llama3;
    SA_TRY(rope.lowFrequencyFactor, scaling->doubleOr("low_freq_factor", rope.lowFrequencyFactor, 1e-3, 1e6));
    SA_TRY(rope.highFrequencyFactor, scaling->doubleOr("high_freq_factor", rope.highFrequencyFactor, 1e-3, 1e6));
    SA_TRY(rope.originalPositions,
           scaling->doubleOr("original_max_position_embeddings", rope.originalPositions, 1.0, 1e9));
    if (rope.highFrequencyFactor <= rope.lowFrequencyFactor)
        return makeError(Errc::BadFormat, "the frequency factors are in the wrong order")
            .in(config.file())
            .at(scaling->path() + ".high_freq_factor")
            .wanted("more than low_freq_factor");
    return rope;
}

Result<std::vector<std::int32_t>> parseEos(const JsonField& config)
{
    std::vector<std::int32_t> ids;
    const auto field = config.find("eos_token_id");
    if (!field)
        return ids;
    if (!field->isArray()) {
        SA_TRY(const auto id, field->asInt(0, kMaxDimension));
        ids.push_back(static_cast<std::int32_t>(id));
        return ids;
    }
    SA_TRY(const auto list, field->elements(64));
    for (const auto& entry : list) {
        SA_TRY(const auto id, entry.asInt(0, kMaxDimension));
        ids.push_back(static_cast<std::int32_t>(id));
    }
    return ids;
}

Result<std::string> parseArchitecture(const JsonField& config)
{
    if (const auto list = config.find("architectures")) {
        SA_TRY(const auto names, list->elements(16));
        if (names.empty())
            return list->wrong("a list with one architecture");
        return names.front().asString();
    }
    SA_TRY(const auto type, config.stringOr("model_type", ""));
    if (type == "llama")
        return std::string("LlamaForCausalLM");
    return makeError(Errc::BadFormat, "the configuration names no architecture")
        .in(config.file())
        .at("architectures")
        .wanted("a list such as [\"LlamaForCausalLM\"]");
}

} // namespace

Result<ModelConfig> ModelConfig::parse(const JsonField& config)
{
    if (!config.isObject())
        return config.wrong("an object");
    ModelConfig out;
    SA_TRY(out.architecture, parseArchitecture(config));
    if (out.architecture != "LlamaForCausalLM")
        return makeError(Errc::Unsupported, "this architecture is not supported")
            .in(config.file())
            .at("architectures")
            .butFound("\"" + display(out.architecture, 60) + "\"")
            .wanted("LlamaForCausalLM");
    out.family = "llama";

    SA_TRY(out.hidden, config.intAt("hidden_size", 1, kMaxDimension));
    SA_TRY(out.intermediate, config.intAt("intermediate_size", 1, kMaxDimension));
    SA_TRY(out.layers, config.intAt("num_hidden_layers", 1, kMaxLayers));
    SA_TRY(out.heads, config.intAt("num_attention_heads", 1, 65536));
    SA_TRY(out.kvHeads, config.intOr("num_key_value_heads", out.heads, 1, 65536));
    SA_TRY(out.vocab, config.intAt("vocab_size", 1, kMaxDimension));
    SA_TRY(out.positions, config.intOr("max_position_embeddings", 2048, 1, std::int64_t{1} << 31));
    if (out.heads % out.kvHeads != 0)
        return makeError(Errc::BadFormat, "the heads cannot be shared out evenly")
            .in(config.file())
            .at("num_key_value_heads")
            .butFound(std::to_string(out.kvHeads))
            .wanted("a divisor of num_attention_heads = " + std::to_string(out.heads));
    if (const auto headDim = config.find("head_dim")) {
        SA_TRY(out.headDim, headDim->asInt(2, 65536));
    } else {
        if (out.hidden % out.heads != 0)
            return makeError(Errc::BadFormat, "the hidden size cannot be split into the heads")
                .in(config.file())
                .at("num_attention_heads")
                .butFound(std::to_string(out.heads))
                .wanted("a divisor of hidden_size = " + std::to_string(out.hidden));
        out.headDim = out.hidden / out.heads;
    }
    if (out.headDim % 2 != 0)
        return makeError(Errc::BadFormat, "rotary embeddings need an even head size")
            .in(config.file())
            .at("head_dim")
            .butFound(std::to_string(out.headDim));
    SA_TRY(const auto activation, config.stringOr("hidden_act", "silu"));
    if (activation != "silu" && activation != "swish")
        return makeError(Errc::Unsupported, "this activation is not supported for LLaMA models")
            .in(config.file())
            .at("hidden_act")
            .butFound("\"" + display(activation, 60) + "\"")
            .wanted("silu");
    SA_TRY(out.normEpsilon, config.doubleOr("rms_norm_eps", 1e-6, 0.0, 1.0));
    SA_TRY(out.tiedHead, config.boolOr("tie_word_embeddings", false));
    SA_TRY(out.attentionBias, config.boolOr("attention_bias", false));
    SA_TRY(out.mlpBias, config.boolOr("mlp_bias", false));
    SA_TRY(out.rope, parseRope(config));
    SA_TRY(out.eosIds, parseEos(config));
    return out;
}

Result<void> ModelConfig::checkIds(const std::vector<std::int32_t>& ids) const
{
    for (const auto id : ids)
        if (id < 0 || id >= vocab)
            return makeError(Errc::BadFormat, "the tokenizer makes an id that the model has no embedding for")
                .butFound("id " + std::to_string(id))
                .wanted("less than vocab_size = " + std::to_string(vocab))
                .tryThis("tokenizer.json and config.json belong to different models");
    return {};
}

std::vector<LinearInfo> linearLayersOfBlock(const ModelConfig& c, int block)
{
    const std::string attention = blockPrefix(block) + "self_attn.";
    const std::string mlp = blockPrefix(block) + "mlp.";
    const std::int64_t queryRows = c.heads * c.headDim;
    const std::int64_t keyRows = c.kvHeads * c.headDim;
    return {
        {attention + "q_proj", "q_proj", block, queryRows, c.hidden, c.attentionBias},
        {attention + "k_proj", "k_proj", block, keyRows, c.hidden, c.attentionBias},
        {attention + "v_proj", "v_proj", block, keyRows, c.hidden, c.attentionBias},
        {attention + "o_proj", "o_proj", block, c.hidden, queryRows, c.attentionBias},
        {mlp + "gate_proj", "gate_proj", block, c.intermediate, c.hidden, c.mlpBias},
        {mlp + "up_proj", "up_proj", block, c.intermediate, c.hidden, c.mlpBias},
        {mlp + "down_proj", "down_proj", block, c.hidden, c.intermediate, c.mlpBias},
    };
}

std::vector<LinearInfo> linearLayers(const ModelConfig& config)
{
    std::vector<LinearInfo> out;
    for (int block = 0; block < config.layers; ++block)
        for (auto& layer : linearLayersOfBlock(config, block))
            out.push_back(std::move(layer));
    return out;
}

std::vector<ExpectedTensor> expectedTensors(const ModelConfig& c)
{
    std::vector<ExpectedTensor> out{{"model.embed_tokens.weight", {c.vocab, c.hidden}},
                                    {"model.norm.weight", {c.hidden}}};
    if (!c.tiedHead)
        out.push_back({"lm_head.weight", {c.vocab, c.hidden}});
    for (int block = 0; block < c.layers; ++block) {
        out.push_back({blockPrefix(block) + "input_layernorm.weight", {c.hidden}});
        out.push_back({blockPrefix(block) + "post_attention_layernorm.weight", {c.hidden}});
        for (const auto& layer : linearLayersOfBlock(c, block)) {
            out.push_back({layer.name + ".weight", {layer.N, layer.K}});
            if (layer.bias)
                out.push_back({layer.name + ".bias", {layer.N}});
        }
    }
    return out;
}

} // namespace sa
