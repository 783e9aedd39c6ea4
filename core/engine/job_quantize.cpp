// SPDX-License-Identifier: GPL-3.0-or-later
// `quantize`: block by block, each calibrated on what the quantized blocks before it produce (algorithm 4.3). One block
// of weights is in memory at a time; a finished block is a durable shard of the final folder.
#include "core/base/resources.h"
#include "core/base/sha256.h"
#include "core/engine/block_pipeline.h"
#include "core/engine/estimates.h"
#include "core/engine/layer_ledger.h"
#include "core/engine/progress.h"
#include "core/engine/quantize_journal.h"
#include "core/engine/shards.h"
#include "core/engine/source_digests.h"
#include "core/eval/text.h"
#include "core/model/tensors.h"
#include "core/protocol/messages.h"

#include <algorithm>

namespace sa
{

namespace
{

constexpr std::uint64_t kTokenizerRoom = std::uint64_t{64} << 20; ///< the largest have some 35 MB

struct Calibration {
    std::vector<std::vector<std::int32_t>> windows;
    Json record; ///< what goes into the checkpoint: digests and numbers, no paths
};

Result<Calibration> readCalibration(const QuantizeSpec& spec, const ModelFolder& model, const JobContext& context)
{
    std::vector<std::string> paths = spec.calibration;
    if (paths.empty()) {
        paths.push_back(resourcePath("sample-text/calibration.txt"));
        if (paths.back().empty())
            return makeError(Errc::NotFound, "the bundled calibration text is not installed")
                .tryThis("Give a text file with --calibration");
        context.warn("no calibration text given: using the bundled excerpt of English Wikipedia");
    }
    SA_TRY(const Tokenizer tokenizer, Tokenizer::open(model.path));
    Calibration out;
    Json digests = Json::array();
    std::string text;
    for (const auto& path : paths) {
        SA_TRY(const std::string part, readText(path));
        digests.push_back(sha256Of(part));
        if (!text.empty())
            text += "\n\n";
        text += part;
    }
    const int length = calibrationWindow(spec, model.config);
    if (length > model.config.positions)
        return makeError(Errc::Usage, "the calibration window is longer than the model's context")
            .at("seqlen")
            .butFound(std::to_string(length))
            .wanted("at most " + std::to_string(model.config.positions));
    SA_CHECK(context.cancel.check());
    const auto ids = tokenizer.encode(text, true, &context.cancel);
    SA_CHECK(context.cancel.check());
    SA_CHECK(model.config.checkIds(ids));
    auto windows = sampleWindows(ids, spec.samples, length, spec.seed);
    if (!windows)
        return std::move(windows).error().in(paths.front());
    out.windows = *std::move(windows);
    out.record = {{"sha256", digests},
                  {"samples", spec.samples},
                  {"seqlen", length},
                  {"seed", spec.seed},
                  {"tokens", ids.size()}};
    return out;
}

Json recipeOf(const QuantizeSpec& spec)
{
    return {{"mode", spec.mode},       {"bits", spec.bits},
            {"rounds", spec.rounds},   {"apot", spec.apot},
            {"damping", spec.damping}, {"group_rows", spec.groupRows ? Json(*spec.groupRows) : Json(nullptr)}};
}

Result<Json> quantize(const QuantizeSpec& spec, const JobContext& context)
{
    const Stopwatch watch;
    if (spec.mode != "lat")
        return makeError(Errc::Usage, "this version quantizes in one mode")
            .at("mode")
            .butFound("\"" + display(spec.mode) + "\"")
            .wanted("lat");
    setThreads(spec.threads);
    SA_TRY(const at::Device device, parseDevice(spec.device));
    SA_TRY(const ModelFolder model, ModelFolder::open(spec.model));
    if (model.packed())
        return makeError(Errc::BadInput, "this model is packed already")
            .in(spec.model)
            .wanted("an original model with dense weights")
            .tryThis("Quantize the original instead");
    for (const auto& warning : model.warnings)
        context.warn(warning);
    SA_TRY(StagedFolder stage, openQuantizeStage(spec, context));
    SA_TRY(Calibration calibration, readCalibration(spec, model, context));
    const int shards = static_cast<int>(model.config.layers) + 1;
    const std::string folder = stage.path();
    SA_TRY(PackedWriter writer,
           PackedWriter::create(std::move(stage), model.store, shards, outputBytes(model, spec) + kTokenizerRoom));

    QuantizationInfo info;
    info.mode = spec.mode;
    info.bits = spec.bits;
    info.recipe = recipeOf(spec);
    info.calibration = calibration.record;
    info.originalBytes = model.store.totalBytes();
    info.originalDtype = name((*model.store.find(linearLayers(model.config).front().name + ".weight"))->dtype);
    SA_TRY(info.source, hashSource(model, context));
    SA_TRY(QuantizeJournal journal,
           QuantizeJournal::open(spec.out, folder, model, info, calibration.windows, device, context));
    writer.keep(journal.finishedBlocks() > 0);
    const double secondsBefore = journal.seconds();

    const auto tensors = dealToShards(model.store.names(), model.config.names.block, model.config.layers);
    SA_CHECK(writer.writeShard(shardTensors(tensors.front(), {})));
    BlockPipeline pipeline(model, spec, device, context);
    SA_CHECK(pipeline.embed(calibration.windows));
    LayerLedger ledger(info, context);
    SA_CHECK(journal.restore(model, info, tensors, writer, pipeline, ledger, context));
    for (int block = journal.finishedBlocks(); block < model.config.layers; ++block) {
        const auto onLayer = [&](const QuantizedLayer& layer) {
            ledger.add(layer.info, layer.packed, {layer.error, layer.relativeError, layer.seconds});
        };
        SA_TRY(const auto quantized, pipeline.run(block, onLayer));
        std::map<std::string, const PackedWeight*> packed;
        for (const auto& layer : quantized)
            packed[layer.info.name] = &layer.packed;
        SA_TRY(const auto shard, writer.writeShard(shardTensors(tensors[static_cast<std::size_t>(block) + 1], packed)));
        SA_CHECK(journal.add(shard, quantized, info, secondsBefore + watch.seconds()));
        writer.keep(true);
    }
    SA_TRY(const std::uint64_t storedBytes, writer.publish(info, context.cancel));
    return ledger.result(spec.out, secondsBefore + watch.seconds(), storedBytes);
}

} // namespace

Result<Json> quantizeModel(const QuantizeSpec& spec, const JobContext& context)
{
    auto outcome = guarded([&] { return quantize(spec, context); });
    if (!outcome)
        return withResumeHint(std::move(outcome).error(), spec.out);
    return outcome;
}

} // namespace sa
