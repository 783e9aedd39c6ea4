// SPDX-License-Identifier: GPL-3.0-or-later
// `add_outliers`: the same function with outlier channels, as large language models have them and small ones do not. A
// norm's gain of some channels is multiplied, the columns that read them are divided. For testing quantizers.
#include "core/checkpoint/packed_checkpoint.h"
#include "core/engine/jobs.h"
#include "core/engine/progress.h"
#include "core/engine/shards.h"
#include "core/engine/source_digests.h"
#include "core/model/tensors.h"

#include <ATen/ATen.h>
#include <algorithm>
#include <random>

namespace sa
{

namespace
{

constexpr std::uint64_t kRoom = std::uint64_t{65} << 20; ///< for the tokenizer's files and headers

using Values = std::map<std::string, std::vector<float>>; ///< by tensor

std::vector<std::int64_t> chooseChannels(std::mt19937_64& generator, std::int64_t width, std::int64_t count)
{
    std::vector<std::int64_t> out;
    while (static_cast<std::int64_t>(out.size()) < count) {
        const auto channel = static_cast<std::int64_t>(generator() % static_cast<std::uint64_t>(width));
        if (std::find(out.begin(), out.end(), channel) == out.end())
            out.push_back(channel);
    }
    return out;
}

std::vector<float> asVector(const at::Tensor& values)
{
    const at::Tensor flat = values.contiguous();
    return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

/// The norm's gain and the columns behind it.
Result<void> scaleInput(const ModelFolder& model, const std::string& norm, const std::vector<LinearInfo>& readers,
                        const AddOutliersSpec& spec, std::mt19937_64& generator, Values& out)
{
    SA_TRY(at::Tensor gain, readFloatTensor(model.store, norm + ".weight"));
    const auto channels = chooseChannels(generator, gain.size(0), std::min<std::int64_t>(spec.channels, gain.size(0)));
    const at::Tensor index = at::tensor(channels, at::kLong);
    const double one = model.config.norm == NormKind::RmsPlusOne ? 1.0 : 0.0;
    gain.index_put_({index}, (gain.index({index}) + one) * spec.factor - one);
    out[norm + ".weight"] = asVector(gain);
    if (model.config.norm == NormKind::Layer) {
        SA_TRY(at::Tensor shift, readFloatTensor(model.store, norm + ".bias"));
        shift.index_put_({index}, shift.index({index}) * spec.factor);
        out[norm + ".bias"] = asVector(shift);
    }
    for (const auto& reader : readers) {
        SA_TRY(at::Tensor weight, readFloatTensor(model.store, reader.name + ".weight"));
        weight.index_copy_(1, index, weight.index_select(1, index) / spec.factor);
        out[reader.name + ".weight"] = asVector(weight);
    }
    return {};
}

Result<Values> scaleBlock(const ModelFolder& model, int block, const AddOutliersSpec& spec, std::mt19937_64& generator)
{
    const std::string prefix = model.config.blockPrefix(block);
    Values out;
    for (const auto& [input, norm] : {std::pair{LinearInput::Attention, model.config.names.attentionNorm},
                                      std::pair{LinearInput::Mlp, model.config.names.mlpNorm}}) {
        const auto readers = linearLayersReading(model.config, block, input);
        SA_CHECK(scaleInput(model, prefix + std::string(norm), readers, spec, generator, out));
    }
    return out;
}

} // namespace

Result<Json> addOutliers(const AddOutliersSpec& spec, const JobContext& context)
{
    const Stopwatch watch;
    SA_TRY(const ModelFolder model, ModelFolder::open(spec.model));
    if (model.packed())
        return makeError(Errc::BadInput, "this model is packed")
            .in(spec.model)
            .wanted("an original model with dense weights");
    if (model.config.normPlacement == NormPlacement::After || model.config.residualFromNorm || !model.config.normAffine)
        return makeError(Errc::Unsupported, "the norms of this model feed more than linear layers, or have no gain")
            .in(spec.model)
            .wanted("a model whose norms are read by linear layers only");
    const int shards = static_cast<int>(model.config.layers) + 1;
    SA_TRY(PackedWriter writer, PackedWriter::create(spec.out, model.store, shards, model.store.totalBytes() + kRoom));
    const auto tensors = dealToShards(model.store.names(), model.config.names.block, model.config.layers);
    ProgressMeter meter(context.emit, "write", "shards", shards);
    std::mt19937_64 generator(spec.seed);
    for (int shard = 0; shard < shards; ++shard) {
        SA_CHECK(context.cancel.check());
        Values changed;
        if (shard > 0) {
            SA_TRY(changed, scaleBlock(model, shard - 1, spec, generator));
        }
        std::vector<PackedWriter::Tensor> out;
        for (const auto& name : tensors[static_cast<std::size_t>(shard)]) {
            const auto values = changed.find(name);
            out.push_back({name, nullptr, values == changed.end() ? nullptr : &values->second});
        }
        SA_CHECK(writer.writeShard(out));
        meter.update(shard + 1);
    }
    SA_TRY(const Json source, hashSource(model, context));
    const Json record{{"made_by", "add_outliers"},
                      {"channels", spec.channels},
                      {"factor", spec.factor},
                      {"seed", spec.seed},
                      {"source", source}};
    SA_TRY(const std::uint64_t bytes, writer.publishDense(record, context.cancel));
    return Json{{"out", spec.out}, {"stored_bytes", bytes}, {"seconds", watch.seconds()}};
}

} // namespace sa
