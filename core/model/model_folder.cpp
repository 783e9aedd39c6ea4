// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/model_folder.h"

#include "core/checkpoint/config_json.h"

#include <set>

namespace sa
{

namespace
{

constexpr std::string_view kWeight = ".weight";

std::string weightOf(std::string_view base)
{
    return std::string(base).append(kWeight);
}

Result<void> checkTensor(const WeightStore& store, const std::string& tensorName, const ExpectedTensor& wanted)
{
    SA_TRY(const TensorInfo* tensor, store.find(tensorName));
    if (tensor->shape != wanted.shape) {
        TensorInfo right;
        right.shape = wanted.shape;
        return makeError(Errc::BadFormat, "a tensor has another shape than config.json says")
            .in(store.folder())
            .at(wanted.name)
            .butFound(tensor->shapeText())
            .wanted(right.shapeText());
    }
    if (tensor->dtype != Dtype::F32 && tensor->dtype != Dtype::F16 && tensor->dtype != Dtype::BF16)
        return makeError(Errc::Unsupported, "a weight has a type that this program does not compute with")
            .in(store.folder())
            .at(wanted.name)
            .butFound(name(tensor->dtype))
            .wanted("F32, F16 or BF16");
    return {};
}

Error wrongPackedShape(const ModelFolder& model, const std::string& field, const std::pair<int, int>& found,
                       const LinearInfo& wanted)
{
    return makeError(Errc::BadFormat, "a packed layer has another shape than the architecture")
        .in(joinPath(model.path, "config.json"))
        .at("quantization_config." + field)
        .butFound(std::to_string(found.first) + " x " + std::to_string(found.second))
        .wanted(std::to_string(wanted.N) + " x " + std::to_string(wanted.K));
}

Result<void> checkByteHead(const ModelFolder& model)
{
    const ByteHeadInfo* head = model.byteHead();
    if (!head)
        return {};
    const LinearInfo wanted = headLayer(model.config);
    if (head->name != wanted.name || model.packedLayer(wanted.name))
        return makeError(Errc::BadFormat, model.packedLayer(wanted.name)
                                              ? "the head is there as planes and as bytes"
                                              : "the head has another name than the architecture's")
            .in(joinPath(model.path, "config.json"))
            .at("quantization_config.head.name")
            .butFound("\"" + display(head->name, 60) + "\"")
            .wanted("\"" + wanted.name + "\", once");
    if (head->N != wanted.N || head->K != wanted.K)
        return wrongPackedShape(model, "head", {head->N, head->K}, wanted);
    return {};
}

Result<void> checkPackedLayers(const ModelFolder& model)
{
    std::set<std::string> known;
    auto layers = linearLayers(model.config);
    layers.push_back(headLayer(model.config));
    for (const auto& layer : layers) {
        known.insert(layer.name);
        const PackedLayerInfo* info = model.packedLayer(layer.name);
        if (info && (info->N != layer.N || info->K != layer.K))
            return wrongPackedShape(model, "layers." + layer.name, {info->N, info->K}, layer);
    }
    for (const auto& [layerName, info] : model.quantization->layers)
        if (known.count(layerName) == 0)
            return makeError(Errc::BadFormat, "a packed layer does not belong to this architecture")
                .in(joinPath(model.path, "config.json"))
                .at("quantization_config.layers." + display(layerName));
    return checkByteHead(model);
}

} // namespace

Result<Json> readConfig(const std::string& folder)
{
    return readConfigJson(folder);
}

Result<ModelFolder> ModelFolder::open(const std::string& path)
{
    SA_TRY(const Json config, readConfig(path));
    const JsonField root(config, joinPath(path, "config.json"));
    SA_TRY(ModelConfig parsed, ModelConfig::parse(root));
    SA_TRY(auto quantization, quantizationOf(root));
    SA_TRY(WeightStore store, WeightStore::open(path));
    return join(path, std::move(parsed), std::move(quantization), std::move(store));
}

Result<ModelFolder> ModelFolder::join(const std::string& path, ModelConfig config,
                                      std::optional<QuantizationInfo> quantization, WeightStore store)
{
    SA_CHECK(store.useCanonicalNames(expectedTensors(config).front().name));
    ModelFolder model{path, std::move(config), std::move(store), std::move(quantization), {}};
    model.warnings = model.config.warnings;
    model.warnings.insert(model.warnings.end(), model.store.warnings().begin(), model.store.warnings().end());
    if (model.packed())
        SA_CHECK(checkPackedLayers(model));
    const std::string head = weightOf(model.config.names.head);
    for (const auto& tensor : expectedTensors(model.config)) {
        if (tensor.name == head && model.quantizedHead())
            continue;
        const bool weight = tensor.name.ends_with(kWeight);
        if (weight && model.packedLayer(tensor.name.substr(0, tensor.name.size() - kWeight.size())))
            continue;
        const bool embedding = tensor.name == weightOf(model.config.names.embedding);
        SA_CHECK(checkTensor(model.store, embedding ? model.embeddingTensor() : tensor.name, tensor));
    }
    if (model.config.tiedHead && model.store.contains(head) && model.embeddingTensor() != head)
        model.warnings.push_back(head + " is present but config.json ties the head to the embeddings: it is not used");
    return model;
}

std::string ModelFolder::embeddingTensor() const
{
    const std::string embedding = weightOf(config.names.embedding), head = weightOf(config.names.head);
    return config.tiedHead && !store.contains(embedding) && store.contains(head) ? head : embedding;
}

std::int64_t ModelFolder::parameters() const
{
    std::int64_t sum = 0;
    for (const auto& tensor : expectedTensors(config)) {
        std::int64_t elements = 1;
        for (const auto extent : tensor.shape)
            elements *= extent;
        sum += elements;
    }
    return sum;
}

const ByteHeadInfo* ModelFolder::byteHead() const
{
    return quantization && quantization->byteHead ? &*quantization->byteHead : nullptr;
}

std::uint64_t ModelFolder::headBytes() const
{
    const std::string head(config.names.head);
    if (const ByteHeadInfo* bytes = byteHead())
        return bytes->storedBytes();
    if (const PackedLayerInfo* planes = packedLayer(head))
        return planes->storedBytes();
    return (*store.find(config.tiedHead ? embeddingTensor() : weightOf(head)))->sizeBytes; // checked when opened
}

const PackedLayerInfo* ModelFolder::packedLayer(const std::string& linearName) const
{
    if (!quantization)
        return nullptr;
    const auto it = quantization->layers.find(linearName);
    return it == quantization->layers.end() ? nullptr : &it->second;
}

} // namespace sa
