// SPDX-License-Identifier: GPL-3.0-or-later
// `open`: what a folder holds, from headers alone.
#include "core/engine/cost_report.h"
#include "core/engine/jobs.h"
#include "core/engine/source_digests.h"

namespace sa
{

namespace
{

Json describeLayer(const ModelFolder& model, const LinearInfo& layer, std::uint64_t& layerBytes)
{
    Json out{{"name", layer.name},   {"projection", layer.projection},
             {"block", layer.block}, {"N", layer.N},
             {"K", layer.K},         {"quantizable", true},
             {"error", nullptr},     {"relative_error", nullptr}};
    const double weights = static_cast<double>(layer.N) * static_cast<double>(layer.K);
    if (const PackedLayerInfo* packed = model.packedLayer(layer.name)) {
        const std::uint64_t bytes = packed->storedBytes();
        out["dtype"] = "planes";
        out["planes"] = packed->q;
        out["bytes"] = bytes;
        out["bits"] = 8.0 * static_cast<double>(bytes) / weights;
        out["error"] = packed->error;
        out["relative_error"] = packed->relativeError;
        layerBytes += bytes;
    } else {
        const TensorInfo* tensor = *model.store.find(layer.name + ".weight");
        out["dtype"] = name(tensor->dtype);
        out["bytes"] = tensor->sizeBytes;
        out["bits"] = 8.0 * sizeBytes(tensor->dtype);
        layerBytes += tensor->sizeBytes;
    }
    return out;
}

Json describeHead(const ModelFolder& model)
{
    const LinearInfo head = headLayer(model.config);
    const double weights = static_cast<double>(head.N) * static_cast<double>(head.K);
    const std::uint64_t bytes = model.headBytes();
    Json out{{"name", head.name},
             {"N", head.N},
             {"K", head.K},
             {"tied", model.config.tiedHead},
             {"bytes", bytes},
             {"bits", 8.0 * static_cast<double>(bytes) / weights},
             {"relative_error", nullptr}};
    if (const PackedLayerInfo* planes = model.packedLayer(head.name)) {
        out["dtype"] = "planes";
        out["planes"] = planes->q;
        out["relative_error"] = planes->relativeError;
    } else if (const ByteHeadInfo* codes = model.byteHead()) {
        out["dtype"] = "I8";
        out["relative_error"] = codes->relativeError;
    } else {
        const TensorInfo* dense =
            *model.store.find(model.config.tiedHead ? model.embeddingTensor() : head.name + ".weight");
        out["dtype"] = name(dense->dtype);
    }
    return out;
}

} // namespace

Result<Json> openModel(const OpenSpec& spec, const JobContext& context)
{
    SA_TRY(const ModelFolder model, ModelFolder::open(spec.model));
    const ModelConfig& config = model.config;
    Json warnings = model.warnings;

    Json tokenizer = nullptr;
    if (const auto opened = Tokenizer::open(spec.model))
        tokenizer = {{"type", opened->modelType()}, {"vocab", opened->size()}};
    else
        warnings.push_back("the tokenizer cannot be used: " + opened.error().sentence());
    SA_CHECK(context.cancel.check());

    const auto fingerprint = modelFingerprint(model, context.cancel);
    SA_CHECK(context.cancel.check());

    const QuantizationInfo* planes = model.packed() ? &*model.quantization : nullptr;
    SA_TRY(const CostReport cost, CostReport::create(model, planes, {spec.energy, spec.context}));
    Json layers = Json::array();
    std::uint64_t layerBytes = 0;
    std::int64_t weights = 0;
    for (const auto& layer : linearLayers(config)) {
        layers.push_back(describeLayer(model, layer, layerBytes));
        layers.back()["cost"] = cost.ofLayer(layers.size() - 1);
        weights += layer.N * layer.K;
    }
    Json quantization = nullptr;
    if (model.packed())
        quantization = {{"method", "shiftadd"},
                        {"mode", model.quantization->mode},
                        {"bits", model.quantization->bits},
                        {"version", model.quantization->version}};
    const TensorInfo* embedding = *model.store.find(model.embeddingTensor());
    return Json{
        {"model", spec.model},
        {"fingerprint", fingerprint ? Json(*fingerprint) : Json(nullptr)}, // all that needs it can do without
        {"format", model.packed() ? "packed" : "original"},
        {"architecture", config.architecture},
        {"family", config.family},
        {"parameters", model.parameters()},
        {"stored_bytes", model.store.totalBytes()},
        {"original_bytes", model.packed() ? model.quantization->originalBytes : model.store.totalBytes()},
        {"dtype", name(embedding->dtype)},
        {"config",
         {{"hidden_size", config.hidden},
          {"intermediate_size", config.intermediate},
          {"layers", config.layers},
          {"heads", config.heads},
          {"kv_heads", config.kvHeads},
          {"vocab_size", config.vocab},
          {"positions", config.positions}}},
        {"tokenizer", tokenizer},
        {"quantizable_parameters", weights},
        {"bits_per_weight", 8.0 * static_cast<double>(layerBytes) / static_cast<double>(weights)},
        {"quantization", quantization},
        {"cost", cost.summary()},
        {"layers", layers},
        {"head", describeHead(model)},
        {"warnings", warnings},
    };
}

} // namespace sa
