// SPDX-License-Identifier: GPL-3.0-or-later
// `export`: a packed folder as an ordinary float16 Hugging Face folder for any other runtime, or as the files of the
// reference implementation.
#include "core/checkpoint/companion_files.h"
#include "core/checkpoint/safetensors.h"
#include "core/engine/job_export_reference.h"
#include "core/engine/jobs.h"
#include "core/engine/progress.h"
#include "core/engine/shards.h"
#include "core/model/tensors.h"

#include <ATen/ATen.h>
#include <cstdio>

namespace sa
{

namespace
{

/// Writes the shards of one export, a tensor in memory at a time.
class DenseExport
{
public:
    DenseExport(const ModelFolder& model, const StagedFolder& stage, const JobContext& context)
        : m_model(model)
        , m_stage(stage)
        , m_context(context)
    {
    }

    Result<std::uint64_t> run();

private:
    using Declaration = SafetensorsWriter::Declaration;
    Result<std::vector<Declaration>> declare(const std::vector<std::string>& names) const;
    Result<void> writeTensor(const Declaration& tensor, SafetensorsWriter& writer) const;
    const PackedLayerInfo* packedLayerOf(const std::string& weightName) const;
    bool isByteHead(const std::string& weightName) const
    {
        return m_model.byteHead() && weightName == m_model.byteHead()->name + ".weight";
    }

    const ModelFolder& m_model;
    const StagedFolder& m_stage;
    const JobContext& m_context;
};

bool isFloat(Dtype dtype)
{
    return dtype == Dtype::F16 || dtype == Dtype::BF16 || dtype == Dtype::F32;
}

/// Names of the dense folder: planes and scales of a layer, or codes and scales of the head, become its weight.
std::vector<std::string> denseNames(const ModelFolder& model)
{
    std::vector<std::string> names;
    for (const auto& tensor : model.store.names()) {
        const auto dot = tensor.rfind('.');
        const std::string base = tensor.substr(0, dot), suffix = dot == std::string::npos ? "" : tensor.substr(dot);
        if (model.byteHead() && base == model.byteHead()->name) {
            if (suffix == ".codes")
                names.push_back(base + ".weight");
        } else if (!model.packedLayer(base) || (suffix != ".planes" && suffix != ".scales" && suffix != ".exponents"))
            names.push_back(tensor);
        else if (suffix == ".planes")
            names.push_back(base + ".weight");
    }
    return names;
}

const PackedLayerInfo* DenseExport::packedLayerOf(const std::string& weightName) const
{
    constexpr std::string_view kWeight = ".weight"; // a packed layer's bias is an ordinary tensor
    return weightName.ends_with(kWeight) ? m_model.packedLayer(weightName.substr(0, weightName.size() - kWeight.size()))
                                         : nullptr;
}

Result<std::vector<SafetensorsWriter::Declaration>> DenseExport::declare(const std::vector<std::string>& names) const
{
    std::vector<Declaration> out;
    for (const auto& tensor : names) {
        if (isByteHead(tensor)) {
            out.push_back({tensor, Dtype::F16, {m_model.byteHead()->N, m_model.byteHead()->K}});
            continue;
        }
        if (const PackedLayerInfo* packed = packedLayerOf(tensor)) {
            out.push_back({tensor, Dtype::F16, {packed->N, packed->K}});
            continue;
        }
        SA_TRY(const TensorInfo* info, m_model.store.find(tensor));
        out.push_back({tensor, isFloat(info->dtype) ? Dtype::F16 : info->dtype, info->shape});
    }
    return out;
}

Result<void> DenseExport::writeTensor(const Declaration& tensor, SafetensorsWriter& writer) const
{
    at::Tensor values;
    if (const PackedLayerInfo* packed = packedLayerOf(tensor.name)) {
        SA_TRY(const PackedWeight weight, readPacked(m_model.store, *packed));
        values = at::empty({packed->N, packed->K}, at::kFloat);
        if (weight.unpack(values.data_ptr<float>()) != kernels::Status::Ok)
            return makeError(Errc::Internal, "the planes cannot be unpacked").in(m_model.path).at(tensor.name);
    } else if (isByteHead(tensor.name)) {
        SA_TRY(const ByteWeight weight, readByteHead(m_model.store, *m_model.byteHead()));
        values = at::empty({weight.N, weight.K}, at::kFloat);
        weight.unpack(values.data_ptr<float>());
    } else if (tensor.dtype == Dtype::F16) {
        SA_TRY(values, readFloatTensor(m_model.store, tensor.name));
    } else {
        return m_model.store.readPieces(
            tensor.name, [&](std::uint64_t, std::span<const std::byte> piece) { return writer.write(piece); });
    }
    const at::Tensor half = values.to(at::kHalf).contiguous();
    if (!at::isfinite(half).all().item<bool>())
        return makeError(Errc::BadInput, "a tensor does not fit float16")
            .in(m_model.path)
            .at(tensor.name)
            .wanted("values of at most 65504");
    return writer.write(std::span(static_cast<const std::byte*>(half.data_ptr()), half.nbytes()));
}

Result<std::uint64_t> DenseExport::run()
{
    const auto shards = dealToShards(denseNames(m_model), m_model.config.names.block, m_model.config.layers);
    ProgressMeter meter(m_context.emit, "write", "shards", static_cast<double>(shards.size()));
    Json weightMap = Json::object();
    std::uint64_t fileBytes = 0, tensorBytes = 0;
    for (std::size_t i = 0; i < shards.size(); ++i) {
        SA_CHECK(m_context.cancel.check());
        char fileName[48];
        std::snprintf(fileName, sizeof fileName, "model-%05zu-of-%05zu.safetensors", i + 1, shards.size());
        meter.update(static_cast<double>(i), fileName);
        SA_TRY(const auto declarations, declare(shards[i]));
        SA_TRY(SafetensorsWriter writer, SafetensorsWriter::create(joinPath(m_stage.path(), fileName), declarations));
        for (const auto& tensor : declarations) {
            SA_CHECK(m_context.cancel.check());
            SA_CHECK(writeTensor(tensor, writer));
            weightMap[tensor.name] = fileName;
            TensorInfo info;
            info.shape = tensor.shape;
            tensorBytes +=
                static_cast<std::uint64_t>(info.elements()) * static_cast<std::uint64_t>(sizeBytes(tensor.dtype));
        }
        SA_CHECK(writer.commit());
        fileBytes += writer.fileBytes();
    }
    meter.update(static_cast<double>(shards.size()));

    SA_TRY(Json config, readConfig(m_model.path));
    config.erase("quantization_config");
    config.erase("dtype");
    config["torch_dtype"] = "float16";
    if (m_model.quantizedHead()) // it differs from the embeddings now
        config["tie_word_embeddings"] = false;
    const Json index{{"metadata", {{"total_size", tensorBytes}}}, {"weight_map", weightMap}};
    SA_CHECK(writeFileAtomic(joinPath(m_stage.path(), "model.safetensors.index.json"), json::dumpPretty(index)));
    SA_CHECK(writeFileAtomic(joinPath(m_stage.path(), "config.json"), json::dumpPretty(config)));
    SA_CHECK(copyCompanionFiles(m_model.path, m_stage.path()));
    return fileBytes;
}

/// Of a head that the dense folder has beside its embeddings, and the packed one's parameters do not count.
std::uint64_t untiedHeadBytes(const ModelFolder& model)
{
    const LinearInfo head = headLayer(model.config);
    return model.config.tiedHead && model.quantizedHead() ? 2 * static_cast<std::uint64_t>(head.N * head.K) : 0;
}

/// What a report says of the model that is exported; nothing leaves past a limit that nobody has passed on purpose.
Result<Json> acceptedCertificate(const std::string& path)
{
    SA_TRY(Json certificate, json::parseFile(path));
    const Json accepted = certificate.value(Json::json_pointer("/gate/accepted"), Json());
    if (!accepted.is_boolean())
        return makeError(Errc::BadFormat, "this is not a certificate").in(path).at("gate.accepted");
    if (accepted.get<bool>())
        return certificate;
    std::string exceeded;
    for (const Json& limit : certificate["gate"].value("limits", Json::array()))
        if (limit.is_object() && !limit.value("passed", false))
            exceeded += (exceeded.empty() ? "" : ", ") + limit.value("name", std::string("a limit")) + " " +
                        json::dump(limit.value("value", Json()));
    return makeError(Errc::BadInput, "the certificate says that a limit is exceeded")
        .in(path)
        .at("gate.accepted")
        .butFound(exceeded)
        .tryThis("Make the report again with a reason to pass the limit (--override REASON), or with other limits");
}

} // namespace

Result<Json> exportModel(const ExportSpec& spec, const JobContext& context)
{
    const Stopwatch watch;
    const bool dense = spec.format == "hf-fp16";
    if (!dense && spec.format != "reference-pt")
        return makeError(Errc::Usage, "there is no such export format")
            .at("format")
            .butFound("\"" + display(spec.format) + "\"")
            .wanted("hf-fp16 or reference-pt");
    SA_TRY(const ModelFolder model, ModelFolder::open(spec.model));
    if (!model.packed())
        return makeError(Errc::BadInput, "this model is not packed: it is a Hugging Face folder already")
            .in(spec.model)
            .wanted("a folder written by quantize");
    Json certificate;
    if (!spec.certificate.empty()) {
        SA_TRY(certificate, acceptedCertificate(spec.certificate));
    }
    SA_TRY(StagedFolder stage, StagedFolder::create(spec.out));
    SA_TRY(const std::uint64_t available, freeBytes(stage.path()));
    // The reference's files hold the same codes, and scales of twice the size.
    const std::uint64_t bytes = dense ? static_cast<std::uint64_t>(model.parameters()) * 2 + untiedHeadBytes(model)
                                      : model.store.totalBytes() * 2;
    const std::uint64_t wanted = bytes + (std::uint64_t{16} << 20);
    if (available < wanted)
        return makeError(Errc::NoSpace, "there is not enough space for the export")
            .in(spec.out)
            .butFound(std::to_string(available) + " bytes free")
            .wanted("about " + std::to_string(wanted))
            .tryThis("Free some space or choose another disk");

    std::uint64_t stored = 0;
    if (dense) {
        SA_TRY(stored, DenseExport(model, stage, context).run());
        // Read back as any reader would before it is called done.
        SA_CHECK(ModelFolder::open(stage.path()));
    } else {
        SA_TRY(stored, exportReference(model, stage, context));
    }
    if (!certificate.is_null())
        SA_CHECK(writeFileAtomic(joinPath(stage.path(), "certificate.json"), json::dumpPretty(certificate)));
    SA_CHECK(context.cancel.check());
    SA_CHECK(stage.publish());
    return Json{{"out", spec.out}, {"format", spec.format}, {"stored_bytes", stored}, {"seconds", watch.seconds()}};
}

Result<Json> verifyModel(const VerifySpec& spec, const JobContext& context)
{
    const Stopwatch watch;
    SA_TRY(const ModelFolder model, ModelFolder::open(spec.model));
    if (!model.packed())
        return makeError(Errc::BadInput, "this model is not packed: there is nothing to verify")
            .in(spec.model)
            .wanted("a folder written by quantize");
    SA_TRY(Json result, verifyPacked(spec.model, context.cancel));
    result["seconds"] = watch.seconds();
    return result;
}

} // namespace sa
