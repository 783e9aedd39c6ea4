// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/config.h"

#include "core/model/config_reading.h"
#include "core/model/families.h"

#include <cmath>

namespace sa
{

namespace
{

Result<std::vector<std::int32_t>> parseEos(const JsonField& config)
{
    std::vector<std::int32_t> ids;
    const auto field = config.find("eos_token_id");
    if (!field)
        return ids;
    if (!field->isArray()) {
        SA_TRY(const auto id, field->asInt(0, config_reading::kMaxDimension));
        ids.push_back(static_cast<std::int32_t>(id));
        return ids;
    }
    SA_TRY(const auto list, field->elements(64));
    for (const auto& entry : list) {
        SA_TRY(const auto id, entry.asInt(0, config_reading::kMaxDimension));
        ids.push_back(static_cast<std::int32_t>(id));
    }
    return ids;
}

Result<const Family*> findFamily(const JsonField& config)
{
    std::string found, field = "architectures";
    if (const auto list = config.find("architectures")) {
        SA_TRY(const auto names, list->elements(16));
        if (names.empty())
            return list->wrong("a list with one architecture");
        SA_TRY(found, names.front().asString());
        for (const Family& family : families())
            if (found == family.architecture)
                return &family;
    } else {
        field = "model_type";
        SA_TRY(found, config.stringOr("model_type", ""));
        if (found.empty())
            return makeError(Errc::BadFormat, "the configuration names no architecture")
                .in(config.file())
                .at("architectures")
                .wanted("a list such as [\"LlamaForCausalLM\"]");
        for (const Family& family : families())
            if (found == family.modelType)
                return &family;
    }
    return makeError(Errc::Unsupported, "this architecture is not supported")
        .in(config.file())
        .at(field)
        .butFound("\"" + display(found, 60) + "\"")
        .wanted("one of " + familyNames());
}

/// A foreign quantization changes what the weights mean. Our own is read elsewhere.
Result<void> refuseForeignQuantization(const JsonField& config)
{
    const auto field = config.find("quantization_config");
    if (!field || !field->isObject())
        return {};
    SA_TRY(const std::string method, field->stringOr("quant_method", ""));
    if (method.empty() || method == "shiftadd")
        return {};
    return makeError(Errc::Unsupported, "this model is quantized by another program already")
        .in(config.file())
        .at("quantization_config.quant_method")
        .butFound("\"" + display(method, 60) + "\"")
        .wanted("weights in float32, float16 or bfloat16")
        .tryThis("Give the original model that this one was made from");
}

Result<void> checkTable(const JsonField& config, const ModelConfig& out)
{
    if (out.heads % out.kvHeads != 0)
        return makeError(Errc::BadFormat, "the heads cannot be shared out evenly")
            .in(config.file())
            .at("num_key_value_heads")
            .butFound(std::to_string(out.kvHeads))
            .wanted("a divisor of num_attention_heads = " + std::to_string(out.heads));
    if (out.positionScheme == PositionScheme::Rotary && out.headDim % 2 != 0)
        return makeError(Errc::BadFormat, "rotary embeddings need an even head size")
            .in(config.file())
            .at("head_dim")
            .butFound(std::to_string(out.headDim));
    return {};
}

std::string lastPart(std::string_view dotted)
{
    return std::string(dotted.substr(dotted.rfind('.') + 1));
}

} // namespace

Result<ModelConfig> ModelConfig::parse(const JsonField& config)
{
    if (!config.isObject())
        return config.wrong("an object");
    SA_TRY(const Family* family, findFamily(config));
    SA_CHECK(refuseForeignQuantization(config));
    SA_CHECK(config_reading::refuseUnknownComputation(config));
    ModelConfig out;
    out.architecture = family->architecture;
    SA_CHECK(family->read(config, out));
    if (out.embeddingWidth == 0)
        out.embeddingWidth = out.hidden;
    if (out.attentionScale == 0.0)
        out.attentionScale = 1.0 / std::sqrt(static_cast<double>(out.headDim));
    SA_CHECK(checkTable(config, out));
    SA_TRY(out.eosIds, parseEos(config));
    if (config.has("auto_map"))
        out.warnings.push_back(
            "config.json asks for code of its own (auto_map); the model is computed as the standard " +
            out.architecture);
    return out;
}

Result<void> ModelConfig::checkIds(const std::vector<std::int32_t>& ids) const
{
    for (const auto id : ids)
        if (id < 0 || id >= vocab)
            return makeError(Errc::BadFormat, "the tokenizer makes an id that the model has no embedding for")
                .butFound("id " + std::to_string(id))
                .wanted("less than vocab_size = " + std::to_string(vocab))
                .tryThis("The tokenizer and config.json belong to different models");
    return {};
}

std::string ModelConfig::blockPrefix(int block) const
{
    return std::string(names.block) + "." + std::to_string(block) + ".";
}

LinearInput inputOf(LinearRole role)
{
    switch (role) {
    case LinearRole::Query:
    case LinearRole::Key:
    case LinearRole::Value:
    case LinearRole::QueryKeyValue:
        return LinearInput::Attention;
    case LinearRole::Output:
        return LinearInput::AttentionOutput;
    case LinearRole::Gate:
    case LinearRole::Up:
        return LinearInput::Mlp;
    case LinearRole::Down:
        break;
    }
    return LinearInput::MlpDown;
}

std::vector<LinearInfo> linearLayersOfBlock(const ModelConfig& c, int block)
{
    const std::string prefix = c.blockPrefix(block);
    const std::int64_t queryRows = c.heads * c.headDim;
    const std::int64_t keyRows = c.kvHeads * c.headDim;
    std::vector<LinearInfo> out;
    const auto add = [&](LinearRole role, std::int64_t rows, std::int64_t columns, bool bias) {
        const std::string_view name = c.names.linears[static_cast<std::size_t>(role)];
        out.push_back({prefix + std::string(name), lastPart(name), role, block, rows, columns, bias});
    };
    if (c.fusedAttention) {
        add(LinearRole::QueryKeyValue, queryRows + 2 * keyRows, c.hidden, c.queryBias);
    } else {
        add(LinearRole::Query, queryRows, c.hidden, c.queryBias);
        add(LinearRole::Key, keyRows, c.hidden, c.keyValueBias);
        add(LinearRole::Value, keyRows, c.hidden, c.keyValueBias);
    }
    add(LinearRole::Output, c.hidden, queryRows, c.outputBias);
    if (c.gatedMlp)
        add(LinearRole::Gate, c.intermediate, c.hidden, c.mlpBias);
    add(LinearRole::Up, c.intermediate, c.hidden, c.mlpBias);
    add(LinearRole::Down, c.hidden, c.intermediate, c.mlpBias);
    return out;
}

std::vector<LinearInfo> linearLayers(const ModelConfig& config)
{
    std::vector<LinearInfo> out;
    for (int block = 0; block < config.layers; ++block)
        for (auto& layer : linearLayersOfBlock(config, block))
            out.push_back(std::move(layer));
    return out;
}

std::vector<LinearInfo> linearLayersReading(const ModelConfig& config, int block, LinearInput input)
{
    auto layers = linearLayersOfBlock(config, block);
    std::erase_if(layers, [&](const LinearInfo& layer) { return inputOf(layer.role) != input; });
    return layers;
}

LinearInfo headLayer(const ModelConfig& c)
{
    const std::string name(c.names.head);
    return {name, lastPart(name), {}, static_cast<int>(c.layers), c.vocab, c.embeddingWidth, false};
}

std::vector<ExpectedTensor> expectedTensors(const ModelConfig& c)
{
    std::vector<ExpectedTensor> out;
    const auto weight = [&](const std::string& base, std::vector<std::int64_t> shape) {
        out.push_back({base + ".weight", std::move(shape)});
    };
    const auto norm = [&](const std::string& base, std::int64_t width) {
        if (!c.normAffine)
            return;
        weight(base, {width});
        if (c.norm == NormKind::Layer)
            out.push_back({base + ".bias", {width}});
    };
    weight(std::string(c.names.embedding), {c.vocab, c.embeddingWidth});
    if (c.positionScheme == PositionScheme::Learned)
        weight(std::string(c.names.positions), {c.positions + c.learnedOffset, c.hidden});
    if (c.embeddingNorm)
        norm(std::string(c.names.embeddingNorm), c.hidden);
    if (c.embeddingWidth != c.hidden) {
        weight(std::string(c.names.projectIn), {c.hidden, c.embeddingWidth});
        weight(std::string(c.names.projectOut), {c.embeddingWidth, c.hidden});
    }
    if (c.finalNorm)
        norm(std::string(c.names.finalNorm), c.hidden);
    if (!c.tiedHead)
        weight(std::string(c.names.head), {c.vocab, c.embeddingWidth});
    for (int block = 0; block < c.layers; ++block) {
        const std::string prefix = c.blockPrefix(block);
        for (const auto name : {c.names.attentionNorm, c.names.attentionPostNorm, c.names.mlpNorm, c.names.mlpPostNorm})
            if (!name.empty())
                norm(prefix + std::string(name), c.hidden);
        if (c.queryKeyNorm) {
            norm(prefix + std::string(c.names.queryNorm), c.headDim);
            norm(prefix + std::string(c.names.keyNorm), c.headDim);
        }
        for (const auto& layer : linearLayersOfBlock(c, block)) {
            weight(layer.name, {layer.N, layer.K});
            if (layer.bias)
                out.push_back({layer.name + ".bias", {layer.N}});
        }
    }
    return out;
}

} // namespace sa
