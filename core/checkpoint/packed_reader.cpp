// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/packed_layout.h"

#include "core/base/sha256.h"
#include "core/checkpoint/finite_scan.h"
#include "sa/kernels/sign_planes.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <new>
#include <set>

namespace sa
{

namespace
{

std::string shapeText(const std::vector<std::int64_t>& shape)
{
    TensorInfo tensor;
    tensor.shape = shape;
    return tensor.shapeText();
}

std::string hexWord(std::uint32_t word)
{
    constexpr char digits[] = "0123456789abcdef";
    std::string text = "0x";
    for (int shift = 12; shift >= 0; shift -= 4)
        text += digits[(word >> shift) & 15];
    return text;
}

/// Reads one tensor of the given type and shape, whole; its size was checked against the file when that was opened.
template<class Word>
Result<std::vector<Word>> readWords(const WeightStore& store, const std::string& tensorName, Dtype dtype,
                                    const std::vector<std::int64_t>& shape)
{
    SA_TRY(const TensorInfo* tensor, store.find(tensorName));
    const auto wrong = [&](std::string message) {
        return makeError(Errc::BadFormat, std::move(message)).in(store.fileOf(tensorName)).at(display(tensorName));
    };
    if (tensor->dtype != dtype)
        return wrong("a packed tensor has the wrong type").butFound(name(tensor->dtype)).wanted(name(dtype));
    if (tensor->shape != shape)
        return wrong("a packed tensor has another shape than quantization_config says")
            .butFound(tensor->shapeText())
            .wanted(shapeText(shape));
    try {
        std::vector<Word> words(static_cast<std::size_t>(tensor->elements()));
        SA_CHECK(store.read(tensorName, std::as_writable_bytes(std::span(words))));
        return words;
    } catch (const std::bad_alloc&) {
        return makeError(Errc::OutOfMemory, "not enough memory to load a tensor")
            .in(store.fileOf(tensorName))
            .at(display(tensorName))
            .wanted(std::to_string(tensor->sizeBytes) + " bytes");
    }
}

Result<void> checkFinite(const WeightStore& store, const TensorInfo& tensor, const CancelToken& cancel)
{
    const auto elementBytes = static_cast<std::uint64_t>(sizeBytes(tensor.dtype));
    return store.readPieces(tensor.name, [&](std::uint64_t begin, std::span<const std::byte> piece) -> Result<void> {
        SA_CHECK(cancel.check());
        if (const auto bad = findNonFinite(tensor.dtype, piece))
            return makeError(Errc::BadFormat, "a tensor contains NaN or infinite values")
                .in(store.fileOf(tensor.name))
                .at(display(tensor.name))
                .butFound(bad->text + " at element " + std::to_string(begin / elementBytes + bad->element));
        return {};
    });
}

Result<void> checkNotDense(const WeightStore& store, const std::string& layer)
{
    const std::string dense = layer + ".weight";
    if (!store.contains(dense))
        return {};
    return makeError(Errc::BadFormat, "a packed layer is there as a dense weight, too")
        .in(store.fileOf(dense))
        .at(display(dense));
}

/// Every tensor is a packed layer's or a dense one, and no packed layer is there as a dense weight, too.
Result<void> checkNothingExtra(const WeightStore& store, const QuantizationInfo& info)
{
    std::set<std::string> packed;
    for (const auto& entry : info.layers) {
        packed.insert(entry.first + kPlanesSuffix);
        packed.insert(entry.first + kScalesSuffix);
        if (entry.second.rescaled)
            packed.insert(entry.first + kExponentsSuffix);
        SA_CHECK(checkNotDense(store, entry.first));
    }
    if (info.byteHead) {
        packed.insert(info.byteHead->name + kCodesSuffix);
        packed.insert(info.byteHead->name + kRowScalesSuffix);
        SA_CHECK(checkNotDense(store, info.byteHead->name));
    }
    for (const auto& tensorName : store.names())
        for (const std::string_view suffix :
             {kPlanesSuffix, kScalesSuffix, kExponentsSuffix, kCodesSuffix, kRowScalesSuffix})
            if (tensorName.size() > suffix.size() && tensorName.ends_with(suffix) && packed.count(tensorName) == 0)
                return makeError(Errc::BadFormat, "a packed tensor belongs to no layer of quantization_config")
                    .in(store.fileOf(tensorName))
                    .at(display(tensorName));
    return {};
}

Result<void> checkFileDigests(const WeightStore& store, const QuantizationInfo& info, const CancelToken& cancel)
{
    if (info.files.empty())
        return {};
    std::set<std::string> present;
    for (const auto& path : store.files()) {
        const std::string fileName = std::filesystem::path(path).filename().string();
        present.insert(fileName);
        const auto recorded = info.files.find(fileName);
        if (recorded == info.files.end())
            return makeError(Errc::BadFormat, "a weight file is not recorded in quantization_config.files").in(path);
        SA_TRY(const std::string digest, sha256OfFile(path, &cancel));
        if (digest != recorded->second)
            return makeError(Errc::BadFormat, "the content of a weight file is not what was written")
                .in(path)
                .butFound("SHA-256 " + digest)
                .wanted(recorded->second)
                .tryThis("Copy or make the packed model again");
    }
    for (const auto& entry : info.files)
        if (present.count(entry.first) == 0)
            return makeError(Errc::BadFormat, "a weight file of quantization_config.files is not part of the model")
                .in(joinPath(store.folder(), "config.json"))
                .at("quantization_config.files." + display(entry.first));
    return {};
}

} // namespace

std::optional<PlanesProblem> findPlanesProblem(const kernels::SignPlanes& planes)
{
    if (kernels::planesValid(planes))
        return std::nullopt;
    const auto at = [](std::size_t i, std::size_t second, std::size_t third) {
        return " at [" + std::to_string(i / (second * third)) + ", " + std::to_string(i / third % second) + ", " +
               std::to_string(i % third) + "]";
    };
    const auto q = static_cast<std::size_t>(planes.q);
    for (std::size_t i = 0; i < planes.scaleCount(); ++i)
        if (!kernels::apotValid(planes.scales[i]))
            return PlanesProblem{"a scale word is not one of the format",
                                 hexWord(planes.scales[i]) + at(i, q, planes.rowGroups())};
    const std::size_t lastWords = q * static_cast<std::size_t>(planes.N);
    const std::size_t begin = planes.wordCount() - lastWords;
    const int used = planes.K % 32;
    for (std::size_t i = begin; used != 0 && i < planes.wordCount(); ++i)
        if ((planes.bits[i] >> used) != 0)
            return PlanesProblem{"padding bits after the last column are not 0",
                                 "a set bit" + at(i, q, static_cast<std::size_t>(planes.N))};
    return PlanesProblem{"the planes are not valid", {}};
}

Result<PackedWeight> readPacked(const WeightStore& store, const PackedLayerInfo& info)
{
    const std::string planesName = info.name + kPlanesSuffix;
    const std::string scalesName = info.name + kScalesSuffix;
    PackedWeight weight;
    weight.N = info.N, weight.K = info.K, weight.q = info.q, weight.R = info.R, weight.C = info.C;
    const bool divisible = info.N > 0 && info.K > 0 && info.q > 0 && info.R > 0 && info.C > 0;
    if (!divisible)
        return makeError(Errc::BadFormat, "a packed layer has an impossible geometry")
            .in(store.folder())
            .at(display(info.name));
    SA_TRY(weight.bits, readWords<std::uint32_t>(store, planesName, Dtype::I32, planesShape(info)));
    SA_TRY(weight.scales, readWords<kernels::PackedScale>(store, scalesName, Dtype::I16, scalesShape(info)));
    if (info.rescaled) {
        SA_TRY(weight.exponents, readWords<std::int8_t>(store, info.name + kExponentsSuffix, Dtype::I8, {info.K}));
    }
    weight.inputRotation = info.inputRotation, weight.outputRotation = info.outputRotation;
    if (const auto status = kernels::check(weight.view()); status != kernels::Status::Ok)
        return makeError(Errc::BadFormat, "a packed layer has an impossible geometry")
            .in(store.folder())
            .at(display(info.name))
            .butFound(kernels::name(status));
    if (auto problem = findPlanesProblem(weight.view()))
        return makeError(Errc::BadFormat, std::move(problem->message))
            .in(store.fileOf(planesName))
            .at(display(info.name))
            .butFound(std::move(problem->found))
            .tryThis("The packed model is damaged: copy or make it again");
    return weight;
}

Result<ByteWeight> readByteHead(const WeightStore& store, const ByteHeadInfo& info)
{
    ByteWeight weight;
    weight.N = info.N, weight.K = info.K;
    SA_TRY(weight.codes, readWords<std::int8_t>(store, info.name + kCodesSuffix, Dtype::I8, {info.N, info.K}));
    SA_TRY(weight.scales, readWords<float>(store, info.name + kRowScalesSuffix, Dtype::F32, {info.N}));
    for (std::size_t n = 0; n < weight.scales.size(); ++n)
        if (!(weight.scales[n] >= 0.0F && weight.scales[n] <= std::numeric_limits<float>::max()))
            return makeError(Errc::BadFormat, "the scale of a row is negative or no number")
                .in(store.fileOf(info.name + kRowScalesSuffix))
                .at(display(info.name + kRowScalesSuffix))
                .butFound(std::to_string(weight.scales[n]) + " at row " + std::to_string(n))
                .tryThis("The packed model is damaged: copy or make it again");
    return weight;
}

Result<Json> verifyPacked(const std::string& folder, const CancelToken& cancel)
{
    const std::string configPath = joinPath(folder, "config.json");
    SA_TRY(const Json config, json::parseFile(configPath, {.maxBytes = 32u << 20, .maxDepth = 32}));
    SA_TRY(const auto info, quantizationOf(JsonField(config, configPath)));
    if (!info)
        return makeError(Errc::BadInput, "this is not a packed model").in(configPath).wanted("a quantization_config");
    SA_TRY(const WeightStore store, WeightStore::open(folder));
    if (!store.warnings().empty()) // an original may be untidy, what we wrote may not
        return makeError(Errc::BadFormat, store.warnings().front()).in(folder);
    SA_CHECK(checkNothingExtra(store, *info));
    for (const auto& entry : info->layers) {
        SA_CHECK(cancel.check());
        SA_CHECK(readPacked(store, entry.second));
    }
    if (info->byteHead)
        SA_CHECK(readByteHead(store, *info->byteHead));
    for (const auto& tensorName : store.names()) {
        SA_TRY(const TensorInfo* tensor, store.find(tensorName));
        SA_CHECK(checkFinite(store, *tensor, cancel));
    }
    SA_CHECK(checkFileDigests(store, *info, cancel));
    return Json{{"tensors", store.names().size()}, {"bytes", store.totalBytes()}, {"layers", info->layers.size()}};
}

} // namespace sa
