// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/file.h"
#include "core/checkpoint/companion_files.h"
#include "core/checkpoint/config_json.h"
#include "core/checkpoint/finite_scan.h"
#include "core/checkpoint/float_encoding.h"
#include "core/checkpoint/packed_layout.h"
#include "core/checkpoint/safetensors.h"
#include "sa/kernels/sign_planes.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <tuple>

namespace fs = std::filesystem;

namespace sa
{

namespace
{

constexpr int kMaxShards = 99'999; // five digits in the file names
constexpr const char* kIndexName = "model.safetensors.index.json";
constexpr const char* kConfigName = "config.json";

/// One tensor of a shard on its way to the file.
struct Planned {
    SafetensorsWriter::Declaration declaration;
    std::span<const std::byte> bytes = {};      ///< of a packed layer, in memory
    const std::vector<float>* values = nullptr; ///< new values of a dense tensor
    bool copied() const { return bytes.data() == nullptr && values == nullptr; }
};

Error mistake(std::string message, const std::string& place)
{
    return makeError(Errc::Internal, std::move(message)).at(display(place));
}

std::string shardName(int index, int count)
{
    char text[48];
    std::snprintf(text, sizeof text, "model-%05d-of-%05d.safetensors", index, count);
    return text;
}

/// Of the files in a folder: shards that an earlier process finished.
std::uint64_t bytesIn(const std::string& folder)
{
    std::uint64_t sum = 0;
    std::error_code ignored;
    for (fs::directory_iterator entry(folder, ignored); !ignored && entry != fs::directory_iterator();
         entry.increment(ignored)) {
        const std::uint64_t size = entry->file_size(ignored);
        sum += ignored ? 0 : size;
    }
    return sum;
}

Error readsBackDifferently(const std::string& path, const std::string& place)
{
    return makeError(Errc::Io, "what was written reads back differently")
        .in(path)
        .at(place)
        .tryThis("The disk or the memory may be failing; nothing was published");
}

} // namespace

struct PackedWriter::State {
    StagedFolder stage;
    const WeightStore* source;
    Json config; ///< the source's
    int shardCount;
    int shardsWritten = 0;
    std::map<std::string, std::string> companions = {}; ///< path inside the folder -> SHA-256
    std::map<std::string, std::string> shardDigests = {};
    std::map<std::string, std::string> weightMap = {}; ///< tensor -> shard
    std::map<std::string, SafetensorsWriter::Declaration> declared = {};
    std::map<std::string, PackedLayerInfo> layers = {};
    std::optional<ByteHeadInfo> byteHead = {};
    std::uint64_t tensorBytes = 0;
    std::uint64_t fileBytes = 0;
    const CancelToken* copyCancel = nullptr; ///< may be null

    std::string pathOf(const std::string& fileName) const { return joinPath(stage.path(), fileName); }
    Result<std::vector<Planned>> planShard(const std::vector<Tensor>& tensors) const;
    void enterShard(const std::vector<Tensor>& tensors, std::vector<Planned> planned, const std::string& digest,
                    std::uint64_t bytes);
    Result<void> plan(const Tensor& tensor, std::vector<Planned>& out) const;
    Result<void> planPacked(const Tensor& tensor, std::vector<Planned>& out) const;
    Result<void> planBytes(const Tensor& tensor, std::vector<Planned>& out) const;
    Result<void> write(const Planned& entry, SafetensorsWriter& writer) const;
    Result<void> copyTensor(const SafetensorsWriter::Declaration& tensor, SafetensorsWriter& writer) const;
    Result<void> checkLayers(const QuantizationInfo& info) const;
    Result<void> compare(const std::map<std::string, std::string>& texts, const CancelToken& cancel) const;
    Result<void> checkComplete() const;
    Result<std::uint64_t> finish(std::map<std::string, std::string> texts, const CancelToken& cancel);
};

Result<PackedWriter> PackedWriter::create(const std::string& out, const WeightStore& source, int shardCount,
                                          std::uint64_t estimatedBytes)
{
    SA_TRY(StagedFolder stage, StagedFolder::create(out));
    return create(std::move(stage), source, shardCount, estimatedBytes);
}

Result<PackedWriter> PackedWriter::create(StagedFolder stage, const WeightStore& source, int shardCount,
                                          std::uint64_t estimatedBytes)
{
    if (shardCount < 1 || shardCount > kMaxShards)
        return mistake("the number of shards is out of range", std::to_string(shardCount));
    const std::string configPath = joinPath(source.folder(), kConfigName);
    SA_TRY(Json config, readConfigJson(source.folder()));
    if (!config.is_object())
        return JsonField(config, configPath).wrong("an object");
    if (config.contains("quantization_config") && !config["quantization_config"].is_null())
        return makeError(Errc::Unsupported, "the model is quantized already")
            .in(configPath)
            .at("quantization_config")
            .tryThis("Use the original model");

    SA_TRY(const std::uint64_t available, freeBytes(stage.path()));
    if (available + bytesIn(stage.path()) < estimatedBytes)
        return makeError(Errc::NoSpace, "there is not enough space for the packed model")
            .in(stage.target())
            .butFound(std::to_string(available) + " bytes free")
            .wanted("about " + std::to_string(estimatedBytes))
            .tryThis("Free some space or choose another disk");
    PackedWriter writer;
    writer.m_state = std::make_shared<State>(State{std::move(stage), &source, std::move(config), shardCount});
    SA_TRY(writer.m_state->companions, copyCompanionFiles(source.folder(), writer.m_state->stage.path()));
    return writer;
}

Result<void> PackedWriter::State::planPacked(const Tensor& tensor, std::vector<Planned>& out) const
{
    const PackedWeight& weight = *tensor.packed;
    const auto view = weight.view();
    // The sizes of the vectors come first: the view's own checks believe them.
    if (weight.q < 1 || weight.N < 1 || weight.K < 1 || weight.R < 1 || weight.C < 1 ||
        weight.bits.size() != view.wordCount() || weight.scales.size() != view.scaleCount() ||
        (!weight.exponents.empty() && weight.exponents.size() != static_cast<std::size_t>(weight.K)))
        return mistake("a packed layer's arrays do not have the sizes of its geometry", tensor.name);
    if (const auto status = kernels::check(view); status != kernels::Status::Ok)
        return mistake(std::string("a packed layer has an impossible geometry: ") + kernels::name(status), tensor.name);
    if (auto problem = findPlanesProblem(view))
        return mistake(problem->message, tensor.name).butFound(problem->found);
    const PackedLayerInfo info = PackedLayerInfo::of(tensor.name, weight);
    out.push_back(
        {{tensor.name + kPlanesSuffix, Dtype::I32, planesShape(info)}, std::as_bytes(std::span(weight.bits))});
    out.push_back(
        {{tensor.name + kScalesSuffix, Dtype::I16, scalesShape(info)}, std::as_bytes(std::span(weight.scales))});
    if (info.rescaled)
        out.push_back(
            {{tensor.name + kExponentsSuffix, Dtype::I8, {info.K}}, std::as_bytes(std::span(weight.exponents))});
    return {};
}

Result<void> PackedWriter::State::planBytes(const Tensor& tensor, std::vector<Planned>& out) const
{
    const ByteWeight& weight = *tensor.bytes;
    if (weight.N < 1 || weight.K < 1 || weight.scales.size() != static_cast<std::size_t>(weight.N) ||
        weight.codes.size() != weight.scales.size() * static_cast<std::size_t>(weight.K))
        return mistake("a head's arrays do not have the sizes of its shape", tensor.name);
    out.push_back(
        {{tensor.name + kCodesSuffix, Dtype::I8, {weight.N, weight.K}}, std::as_bytes(std::span(weight.codes))});
    out.push_back({{tensor.name + kRowScalesSuffix, Dtype::F32, {weight.N}}, std::as_bytes(std::span(weight.scales))});
    return {};
}

Result<void> PackedWriter::State::plan(const Tensor& tensor, std::vector<Planned>& out) const
{
    if (tensor.packed)
        return planPacked(tensor, out);
    if (tensor.bytes)
        return planBytes(tensor, out);
    SA_TRY(const TensorInfo* info, source->find(tensor.name));
    if (tensor.values && tensor.values->size() != static_cast<std::size_t>(info->elements()))
        return mistake("new values do not have the size of their tensor", tensor.name);
    out.push_back({{tensor.name, info->dtype, info->shape}, {}, tensor.values});
    return {};
}

Result<void> PackedWriter::State::copyTensor(const SafetensorsWriter::Declaration& tensor,
                                             SafetensorsWriter& writer) const
{
    const auto elementBytes = static_cast<std::uint64_t>(sizeBytes(tensor.dtype));
    return source->readPieces(tensor.name, [&](std::uint64_t begin, std::span<const std::byte> piece) -> Result<void> {
        if (const auto bad = findNonFinite(tensor.dtype, piece))
            return makeError(Errc::BadInput, "a tensor of the original contains NaN or infinite values")
                .in(source->fileOf(tensor.name))
                .at(display(tensor.name))
                .butFound(bad->text + " at element " + std::to_string(begin / elementBytes + bad->element))
                .tryThis("The weights are damaged: download or convert the model again");
        if (copyCancel)
            SA_CHECK(copyCancel->check());
        return writer.write(piece);
    });
}

Result<void> PackedWriter::State::write(const Planned& entry, SafetensorsWriter& writer) const
{
    if (entry.copied())
        return copyTensor(entry.declaration, writer);
    if (!entry.values)
        return writer.write(entry.bytes);
    auto encoded = encodeFloats(entry.declaration.dtype, *entry.values);
    if (!encoded)
        return std::move(encoded).error().at(display(entry.declaration.name));
    return writer.write(*encoded);
}

Result<std::vector<Planned>> PackedWriter::State::planShard(const std::vector<Tensor>& tensors) const
{
    if (shardsWritten >= shardCount)
        return mistake("more shards than announced", std::to_string(shardCount));
    std::vector<Planned> planned;
    for (const auto& tensor : tensors)
        SA_CHECK(plan(tensor, planned));
    // Wide elements first: then every tensor lies at a multiple of its element size. By name: independent of the
    // caller.
    std::sort(planned.begin(), planned.end(), [](const Planned& a, const Planned& b) {
        const int aSize = sizeBytes(a.declaration.dtype), bSize = sizeBytes(b.declaration.dtype);
        return aSize != bSize ? aSize > bSize : a.declaration.name < b.declaration.name;
    });
    for (const auto& entry : planned)
        if (weightMap.count(entry.declaration.name) != 0)
            return mistake("a tensor is written twice", entry.declaration.name);
    return planned;
}

void PackedWriter::State::enterShard(const std::vector<Tensor>& tensors, std::vector<Planned> planned,
                                     const std::string& digest, std::uint64_t bytes)
{
    const std::string fileName = shardName(shardsWritten + 1, shardCount);
    for (auto& entry : planned) {
        TensorInfo info;
        info.shape = entry.declaration.shape;
        tensorBytes += static_cast<std::uint64_t>(info.elements()) *
                       static_cast<std::uint64_t>(sizeBytes(entry.declaration.dtype));
        weightMap.emplace(entry.declaration.name, fileName);
        declared.emplace(entry.declaration.name, std::move(entry.declaration));
    }
    for (const auto& tensor : tensors) {
        if (tensor.packed)
            layers.emplace(tensor.name, PackedLayerInfo::of(tensor.name, *tensor.packed));
        if (tensor.bytes)
            byteHead = ByteHeadInfo{tensor.name, tensor.bytes->N, tensor.bytes->K};
    }
    shardDigests.emplace(fileName, digest);
    fileBytes += bytes;
    ++shardsWritten;
}

Result<PackedWriter::Shard> PackedWriter::writeShard(const std::vector<Tensor>& tensors)
{
    State& state = *m_state;
    SA_TRY(std::vector<Planned> planned, state.planShard(tensors));
    std::vector<SafetensorsWriter::Declaration> declarations;
    for (const auto& entry : planned)
        declarations.push_back(entry.declaration);
    const std::string fileName = shardName(state.shardsWritten + 1, state.shardCount);
    SA_TRY(SafetensorsWriter writer, SafetensorsWriter::create(state.pathOf(fileName), std::move(declarations)));
    for (const auto& entry : planned)
        SA_CHECK(state.write(entry, writer));
    SA_CHECK(writer.commit());
    state.enterShard(tensors, std::move(planned), writer.sha256(), writer.fileBytes());
    return Shard{fileName, writer.sha256()};
}

Result<void> PackedWriter::adoptShard(const std::vector<Tensor>& tensors, const Shard& shard)
{
    State& state = *m_state;
    SA_TRY(std::vector<Planned> planned, state.planShard(tensors));
    if (const std::string fileName = shardName(state.shardsWritten + 1, state.shardCount); fileName != shard.file)
        return mistake("a finished shard has another name", shard.file).wanted(fileName);
    SA_TRY(const File file, File::open(state.pathOf(shard.file)));
    state.enterShard(tensors, std::move(planned), shard.sha256, file.sizeBytes());
    return {};
}

void PackedWriter::lookAt(const CancelToken& cancel)
{
    m_state->copyCancel = &cancel;
}

void PackedWriter::keep(bool kept)
{
    m_state->stage.keep(kept);
}

/// The configuration describes exactly the layers that were written, and no layer was written in both forms.
Result<void> PackedWriter::State::checkLayers(const QuantizationInfo& info) const
{
    for (const auto& [layerName, layer] : info.layers) {
        const auto written = layers.find(layerName);
        if (written == layers.end())
            return mistake("a layer of the quantization config was not written", layerName);
        if (!layer.sameShape(written->second))
            return mistake("a layer was written with another geometry than the quantization config has", layerName);
        if (weightMap.count(layerName + ".weight") != 0)
            return mistake("a layer was written packed and dense", layerName);
    }
    for (const auto& entry : layers)
        if (info.layers.count(entry.first) == 0)
            return mistake("a written layer is not in the quantization config", entry.first);
    const auto shapeOf = [](const std::optional<ByteHeadInfo>& head) {
        return head ? std::tuple(head->name, head->N, head->K) : std::tuple(std::string(), 0, 0);
    };
    if (shapeOf(info.byteHead) != shapeOf(byteHead))
        return mistake("the head was written in another form than the quantization config has", "head");
    if (byteHead && weightMap.count(byteHead->name + ".weight") != 0)
        return mistake("the head was written as bytes and dense", byteHead->name);
    return {};
}

/// `texts`: file name -> content.
Result<void> PackedWriter::State::compare(const std::map<std::string, std::string>& texts,
                                          const CancelToken& cancel) const
{
    SA_TRY(const WeightStore written, WeightStore::open(stage.path()));
    if (!written.warnings().empty())
        return readsBackDifferently(stage.path(), written.warnings().front());
    if (written.names().size() != declared.size())
        return readsBackDifferently(stage.path(), "number of tensors");
    for (const auto& [tensorName, declaration] : declared) {
        SA_TRY(const TensorInfo* info, written.find(tensorName));
        if (info->dtype != declaration.dtype || info->shape != declaration.shape)
            return readsBackDifferently(written.fileOf(tensorName), display(tensorName));
    }
    for (const auto* digests : {&shardDigests, &companions})
        for (const auto& [fileName, digest] : *digests) {
            SA_TRY(const std::string found, sha256OfFile(pathOf(fileName), &cancel));
            if (found != digest)
                return readsBackDifferently(pathOf(fileName), "SHA-256");
        }
    for (const auto& [fileName, text] : texts) {
        SA_TRY(const std::string found, readFile(pathOf(fileName), text.size()));
        if (found != text)
            return readsBackDifferently(pathOf(fileName), "content");
    }
    return {};
}

Result<void> PackedWriter::State::checkComplete() const
{
    if (shardsWritten == shardCount)
        return {};
    return mistake("fewer shards than announced", std::to_string(shardsWritten) + " of " + std::to_string(shardCount));
}

/// Writes the texts (file name -> content) and the index, reads everything back and publishes.
Result<std::uint64_t> PackedWriter::State::finish(std::map<std::string, std::string> texts, const CancelToken& cancel)
{
    texts[kIndexName] = json::dumpPretty({{"metadata", {{"total_size", tensorBytes}}}, {"weight_map", weightMap}});
    for (const auto& [fileName, text] : texts)
        SA_CHECK(writeFileAtomic(pathOf(fileName), text));
    SA_CHECK(compare(texts, cancel));
    SA_CHECK(cancel.check());
    SA_CHECK(stage.publish());
    return fileBytes;
}

Result<std::uint64_t> PackedWriter::publishDense(const Json& record, const CancelToken& cancel)
{
    State& state = *m_state;
    SA_CHECK(state.checkComplete());
    if (!state.layers.empty() || state.byteHead)
        return mistake("a packed layer in a folder that is to be dense",
                       state.byteHead ? state.byteHead->name : state.layers.begin()->first);
    Json complete = record;
    complete["files"] = state.shardDigests;
    return state.finish({{kConfigName, json::dumpPretty(state.config)}, {kRecordName, json::dumpPretty(complete)}},
                        cancel);
}

Result<std::uint64_t> PackedWriter::publish(const QuantizationInfo& info, const CancelToken& cancel)
{
    State& state = *m_state;
    SA_CHECK(state.checkComplete());
    SA_CHECK(state.checkLayers(info));

    QuantizationInfo complete = info;
    complete.files = state.shardDigests;
    Json config = state.config;
    config["quantization_config"] = complete.toJson();
    const std::string configText = json::dumpPretty(config);
    // What a reader would refuse is not published: every field has to come back as it is meant.
    SA_TRY(const Json reread, json::parse(configText, state.pathOf(kConfigName)));
    SA_TRY(const auto understood, quantizationOf(JsonField(reread, state.pathOf(kConfigName))));
    if (!understood || understood->toJson() != complete.toJson() || reread != config)
        return mistake("the quantization config does not survive being written", "quantization_config");

    return state.finish({{kConfigName, configText}}, cancel);
}

} // namespace sa
