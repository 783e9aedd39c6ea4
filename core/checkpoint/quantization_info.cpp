// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/packed_layout.h"

#include <limits>

namespace sa
{

namespace
{

constexpr std::int64_t kMaxInt = std::numeric_limits<int>::max();
constexpr std::int64_t kMaxInt64 = std::numeric_limits<std::int64_t>::max();
constexpr double kMaxDouble = std::numeric_limits<double>::max();

bool isSha256(const Json& value)
{
    if (!value.is_string())
        return false;
    const auto& text = value.get_ref<const std::string&>();
    return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Result<void> checkSha256(const JsonField& field)
{
    if (!isSha256(field.raw()))
        return field.wrong("a SHA-256 of 64 lower-case hexadecimal digits");
    return {};
}

/// {FILE: SHA-256}
Result<void> checkDigests(const JsonField& field)
{
    SA_TRY(const auto entries, field.members());
    for (const auto& entry : entries)
        SA_CHECK(checkSha256(entry.second));
    return {};
}

/// Like asInt, up to 2^64 - 1: seeds use all 64 bits.
Result<std::uint64_t> asUnsigned(const JsonField& field)
{
    if (!field.raw().is_number_unsigned())
        return field.wrong("an integer from 0 to 18446744073709551615");
    return field.raw().get<std::uint64_t>();
}

Result<void> checkObject(const JsonField& field)
{
    if (!field.isObject())
        return field.wrong("an object");
    return {};
}

Result<void> checkSource(const JsonField& source)
{
    SA_TRY(const JsonField weights, source.at("weights_sha256"));
    SA_CHECK(checkDigests(weights));
    SA_TRY(const JsonField config, source.at("config_sha256"));
    SA_CHECK(checkSha256(config));
    if (const auto tokenizer = source.find("tokenizer_sha256")) // absent for folders without tokenizer.json
        SA_CHECK(checkSha256(*tokenizer));
    return {};
}

Result<void> checkCalibration(const JsonField& calibration)
{
    SA_TRY(const JsonField digests, calibration.at("sha256"));
    SA_TRY(const auto list, digests.elements());
    for (const auto& digest : list)
        SA_CHECK(checkSha256(digest));
    for (const char* key : {"samples", "seqlen", "tokens"})
        SA_CHECK(calibration.intAt(key, 0, kMaxInt64));
    SA_TRY(const JsonField seed, calibration.at("seed"));
    SA_CHECK(asUnsigned(seed));
    return {};
}

Result<void> parseErrors(const JsonField& field, double& error, double& relativeError)
{
    for (const auto& [key, out] : {std::pair{"error", &error}, std::pair{"relative_error", &relativeError}}) {
        SA_TRY(const JsonField loss, field.at(key));
        SA_TRY(*out, loss.asDouble(0, kMaxDouble));
    }
    return {};
}

Result<ByteHeadInfo> parseByteHead(const JsonField& field)
{
    SA_CHECK(checkObject(field));
    ByteHeadInfo head;
    SA_TRY(head.name, field.stringAt("name"));
    SA_CHECK(field.intAt("bits", 8, 8));
    for (const auto& [key, out] : {std::pair{"N", &head.N}, std::pair{"K", &head.K}}) {
        SA_TRY(const std::int64_t value, field.intAt(key, 1, kMaxInt));
        *out = static_cast<int>(value);
    }
    SA_CHECK(parseErrors(field, head.error, head.relativeError));
    return head;
}

Result<PackedLayerInfo> parseLayer(const std::string& layerName, const JsonField& field)
{
    SA_CHECK(checkObject(field));
    PackedLayerInfo layer;
    layer.name = layerName;
    const auto size = [&](const char* key, std::int64_t max, int& out) -> Result<void> {
        SA_TRY(const std::int64_t value, field.intAt(key, 1, max));
        out = static_cast<int>(value);
        return {};
    };
    SA_CHECK(size("N", kMaxInt, layer.N));
    SA_CHECK(size("K", kMaxInt, layer.K));
    SA_CHECK(size("q", 4, layer.q));
    SA_CHECK(size("R", layer.N, layer.R));
    const std::int64_t paddedK = (static_cast<std::int64_t>(layer.K) + 7) / 8 * 8;
    SA_CHECK(size("C", std::min(paddedK, kMaxInt), layer.C));
    if (layer.C != 1 && layer.C % 8 != 0) {
        SA_TRY(const JsonField columns, field.at("C"));
        return columns.wrong("1 or a multiple of 8");
    }
    SA_CHECK(parseErrors(field, layer.error, layer.relativeError));
    SA_TRY(layer.rescaled, field.boolOr("rescale", false));
    for (const auto& [key, out] :
         {std::pair{"input_rotation", &layer.inputRotation}, std::pair{"output_rotation", &layer.outputRotation}}) {
        if (const auto rotation = field.find(key)) {
            SA_TRY(*out, asUnsigned(*rotation));
        }
    }
    return layer;
}

} // namespace

PackedLayerInfo PackedLayerInfo::of(const std::string& name, const PackedWeight& weight)
{
    PackedLayerInfo info{name, weight.N, weight.K, weight.q, weight.R, weight.C};
    info.rescaled = !weight.exponents.empty();
    info.inputRotation = weight.inputRotation;
    info.outputRotation = weight.outputRotation;
    return info;
}

bool PackedLayerInfo::sameShape(const PackedLayerInfo& o) const
{
    return N == o.N && K == o.K && q == o.q && R == o.R && C == o.C && rescaled == o.rescaled &&
           inputRotation == o.inputRotation && outputRotation == o.outputRotation;
}

std::vector<std::int64_t> planesShape(const PackedLayerInfo& info)
{
    return {(static_cast<std::int64_t>(info.K) + 31) / 32, info.q, info.N};
}

std::vector<std::int64_t> scalesShape(const PackedLayerInfo& info)
{
    return {(static_cast<std::int64_t>(info.K) + info.C - 1) / info.C, info.q,
            (static_cast<std::int64_t>(info.N) + info.R - 1) / info.R};
}

Json toJson(const PackedLayerInfo& layer)
{
    Json entry{{"N", layer.N},
               {"K", layer.K},
               {"q", layer.q},
               {"R", layer.R},
               {"C", layer.C},
               {"error", layer.error},
               {"relative_error", layer.relativeError}};
    if (layer.rescaled)
        entry["rescale"] = true;
    if (layer.inputRotation)
        entry["input_rotation"] = *layer.inputRotation;
    if (layer.outputRotation)
        entry["output_rotation"] = *layer.outputRotation;
    return entry;
}

Json QuantizationInfo::toJson() const
{
    Json layerList = Json::object();
    for (const auto& [layerName, layer] : layers)
        layerList[layerName] = sa::toJson(layer);
    Json out{{"quant_method", kQuantMethod},
             {"version", version},
             {"mode", mode},
             {"bits", bits},
             {"recipe", recipe},
             {"source", source},
             {"calibration", calibration},
             {"original_dtype", originalDtype},
             {"original_bytes", originalBytes},
             {"layers", std::move(layerList)},
             {"files", files}};
    if (!plan.is_null())
        out["plan"] = plan;
    if (byteHead)
        out["head"] = {{"name", byteHead->name},   {"bits", 8},
                       {"N", byteHead->N},         {"K", byteHead->K},
                       {"error", byteHead->error}, {"relative_error", byteHead->relativeError}};
    return out;
}

Result<QuantizationInfo> QuantizationInfo::parse(const JsonField& field)
{
    SA_CHECK(checkObject(field));
    QuantizationInfo info;
    SA_TRY(info.mode, field.stringAt("mode"));
    if (info.mode.empty() || info.mode.size() > 64) {
        SA_TRY(const JsonField mode, field.at("mode"));
        return mode.wrong("the name of a mode, such as \"lat\"");
    }
    SA_TRY(const std::int64_t bits, field.intAt("bits", 0, 4));
    info.bits = static_cast<int>(bits);

    SA_TRY(const JsonField recipe, field.at("recipe"));
    SA_CHECK(checkObject(recipe));
    info.recipe = recipe.raw();
    SA_TRY(const JsonField source, field.at("source"));
    SA_CHECK(checkSource(source));
    info.source = source.raw();
    if (const auto calibration = field.find("calibration")) { // null or absent: a method that looks at no data
        SA_CHECK(checkCalibration(*calibration));
        info.calibration = calibration->raw();
    }

    if (const auto plan = field.find("plan")) {
        SA_CHECK(checkObject(*plan));
        info.plan = plan->raw();
    }

    SA_TRY(info.originalDtype, field.stringAt("original_dtype"));
    if (info.originalDtype != "F32" && info.originalDtype != "F16" && info.originalDtype != "BF16" &&
        info.originalDtype != "F64") {
        SA_TRY(const JsonField dtype, field.at("original_dtype"));
        return dtype.wrong("F16, BF16, F32 or F64");
    }
    SA_TRY(const JsonField originalBytes, field.at("original_bytes"));
    SA_TRY(info.originalBytes, asUnsigned(originalBytes));

    SA_TRY(const JsonField layerList, field.at("layers"));
    SA_TRY(const auto entries, layerList.members());
    if (entries.empty())
        return layerList.wrong("at least one layer");
    for (const auto& [layerName, entry] : entries) {
        SA_TRY(PackedLayerInfo layer, parseLayer(layerName, entry));
        info.layers.emplace(layerName, std::move(layer));
    }
    if (const auto head = field.find("head")) {
        SA_TRY(info.byteHead, parseByteHead(*head));
    }
    if (const auto files = field.find("files")) {
        SA_CHECK(checkDigests(*files));
        info.files = files->raw().get<std::map<std::string, std::string>>();
    }
    return info;
}

Result<std::optional<QuantizationInfo>> quantizationOf(const JsonField& config)
{
    const auto field = config.find("quantization_config");
    if (!field)
        return std::optional<QuantizationInfo>();
    SA_CHECK(checkObject(*field));
    const Json& value = field->raw();
    const auto method = value.find("quant_method");
    const bool named = method != value.end() && method->is_string();
    if (!named || method->get_ref<const std::string&>() != kQuantMethod)
        return makeError(Errc::Unsupported, "the model was quantized by another program")
            .in(field->file())
            .at(field->path() + ".quant_method")
            .butFound(named ? "\"" + display(method->get_ref<const std::string&>(), 60) + "\"" : "no name of a method")
            .wanted(std::string("\"") + kQuantMethod + "\", or a model that is not quantized")
            .tryThis("Use the original model");
    SA_TRY(const std::int64_t version, field->intAt("version", 1, kMaxInt));
    if (version > QuantizationInfo::kVersion)
        return makeError(Errc::Unsupported, "the packed model was written by a newer version of this program")
            .in(field->file())
            .at(field->path() + ".version")
            .butFound(std::to_string(version))
            .wanted("at most " + std::to_string(QuantizationInfo::kVersion))
            .tryThis("Update ShiftAdd Workbench");
    SA_TRY(QuantizationInfo info, QuantizationInfo::parse(*field));
    info.version = static_cast<int>(version);
    return std::optional(std::move(info));
}

} // namespace sa
