// SPDX-License-Identifier: GPL-3.0-or-later
// `import_reference`: the files of the reference implementation and the model that they were made from, joined into a
// packed folder as `quantize` writes it. Codes and scales are taken over bit by bit; nothing is computed but how far
// they are from the base's weights.
#include "core/base/sha256.h"
#include "core/checkpoint/reference_lat.h"
#include "core/engine/cost_report.h"
#include "core/engine/layer_ledger.h"
#include "core/engine/progress.h"
#include "core/engine/shards.h"
#include "core/engine/source_digests.h"
#include "core/model/tensors.h"
#include "core/protocol/messages.h"

#include <ATen/ATen.h>
#include <filesystem>

namespace sa
{

namespace
{

/// Joins one folder; lives for one job.
class ReferenceImport
{
public:
    ReferenceImport(const ImportReferenceSpec& spec, const ModelFolder& base, const JobContext& context)
        : m_spec(spec)
        , m_base(base)
        , m_context(context)
    {
    }

    Result<Json> run()
    {
        const Stopwatch watch;
        const auto layers = linearLayers(m_base.config);
        std::vector<ReferenceLayer> wanted;
        for (const auto& layer : layers)
            wanted.push_back({layer.name, layer.block, layer.N, layer.K});
        SA_TRY(m_files, findReferenceFiles(m_spec.reference, wanted));
        SA_TRY(const std::uint64_t estimate, estimateBytes(layers));
        const int shards = static_cast<int>(m_base.config.layers) + 1;
        SA_TRY(PackedWriter writer, PackedWriter::create(m_spec.out, m_base.store, shards, estimate));
        SA_CHECK(describe(layers));

        const auto tensors = dealToShards(m_base.store.names(), m_base.config.names.block, m_base.config.layers);
        SA_CHECK(writer.writeShard(shardTensors(tensors.front(), {})));
        ProgressMeter meter(m_context.emit, "write", "layers", static_cast<double>(layers.size()));
        for (int block = 0; block < m_base.config.layers; ++block) {
            std::map<std::string, PackedWeight> weights;
            std::map<std::string, const PackedWeight*> packed;
            for (const auto& layer : linearLayersOfBlock(m_base.config, block)) {
                SA_CHECK(m_context.cancel.check());
                meter.update(static_cast<double>(m_ledger.count()), layer.name);
                SA_TRY(weights[layer.name], importLayer(layer));
                packed[layer.name] = &weights[layer.name];
            }
            SA_CHECK(writer.writeShard(shardTensors(tensors[static_cast<std::size_t>(block) + 1], packed)));
        }
        meter.update(static_cast<double>(layers.size()));
        SA_TRY(const std::uint64_t storedBytes, writer.publish(m_info, m_context.cancel));
        Json result = m_ledger.result(m_spec.out, watch.seconds(), storedBytes);
        SA_TRY(const CostReport cost, CostReport::create(m_base, &m_info));
        result["cost"] = cost.summary();
        return result;
    }

private:
    /// The reference's scales take twice the room of ours, so its files are an upper bound.
    Result<std::uint64_t> estimateBytes(const std::vector<LinearInfo>& layers) const
    {
        std::uint64_t bytes = m_base.store.totalBytes() + (std::uint64_t{16} << 20);
        for (const auto& layer : layers) {
            SA_TRY(const TensorInfo* dense, m_base.store.find(layer.name + ".weight"));
            SA_TRY(const File file, File::open(m_files.at(layer.name).path));
            bytes = bytes - std::min(bytes, dense->sizeBytes) + file.sizeBytes();
        }
        return bytes;
    }

    Result<void> describe(const std::vector<LinearInfo>& layers)
    {
        m_info.mode = "lat";
        m_info.bits = m_files.begin()->second.q;
        Json digests = Json::object();
        for (const auto& [layer, file] : m_files) {
            if (file.q != m_files.begin()->second.q)
                m_info.bits = 0; // it differs by layer
            SA_CHECK(m_context.cancel.check());
            SA_TRY(digests[std::filesystem::path(file.path).filename().string()],
                   sha256OfFile(file.path, &m_context.cancel));
        }
        m_info.recipe = {{"imported", "reference-pt"}, {"files_sha256", digests}};
        m_info.originalBytes = m_base.store.totalBytes();
        SA_TRY(const TensorInfo* first, m_base.store.find(layers.front().name + ".weight"));
        m_info.originalDtype = name(first->dtype);
        SA_TRY(m_info.source, hashSource(m_base, m_context));
        return {};
    }

    Result<PackedWeight> importLayer(const LinearInfo& layer)
    {
        const Stopwatch watch;
        SA_TRY(PackedWeight packed,
               readReferenceFile(m_files.at(layer.name), {layer.name, layer.block, layer.N, layer.K}));
        SA_TRY(const at::Tensor weight, readFloatTensor(m_base.store, layer.name + ".weight"));
        at::Tensor approximation = at::empty({layer.N, layer.K}, at::kFloat);
        if (kernels::unpackDense(packed.view(), approximation.data_ptr<float>()) != kernels::Status::Ok)
            return makeError(Errc::Internal, "the planes cannot be unpacked")
                .in(m_files.at(layer.name).path)
                .at(layer.name);
        const double norm = weight.square().sum(at::kDouble).item<double>();
        const double error = (weight - approximation).square().sum(at::kDouble).item<double>();
        const double relative = norm > 0 ? error / norm : 0.0;
        if (relative > 1)
            m_context.warn(layer.name +
                           " is farther from the base's weights than zero is: does the base belong to it?");

        m_ledger.add(layer, packed, {error, relative, watch.seconds()});
        return packed;
    }

    const ImportReferenceSpec& m_spec;
    const ModelFolder& m_base;
    const JobContext& m_context;
    std::map<std::string, ReferenceFile> m_files;
    QuantizationInfo m_info;
    LayerLedger m_ledger{m_info, m_context};
};

} // namespace

Result<Json> importReference(const ImportReferenceSpec& spec, const JobContext& context)
{
    SA_TRY(const ModelFolder base, ModelFolder::open(spec.base));
    if (base.packed())
        return makeError(Errc::BadInput, "the base model is packed already")
            .in(spec.base)
            .wanted("the original model with dense weights");
    for (const auto& warning : base.warnings)
        context.warn(warning);
    context.emit(
        toJson(Note{"info", "there are no calibration data: errors are those of the weights themselves, which are "
                            "larger than those of outputs"}));
    return ReferenceImport(spec, base, context).run();
}

} // namespace sa
