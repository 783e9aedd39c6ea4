// SPDX-License-Identifier: GPL-3.0-or-later
// `quantize`: block by block, each calibrated on what the quantized blocks before it produce (algorithm 4.3). One block
// of weights is in memory at a time; a finished block is a durable shard of the final folder.
#include "core/engine/bit_plan.h"
#include "core/engine/block_pipeline.h"
#include "core/engine/cost_report.h"
#include "core/engine/estimates.h"
#include "core/engine/layer_ledger.h"
#include "core/engine/method_job.h"
#include "core/engine/prediction.h"
#include "core/engine/quantize_input.h"
#include "core/engine/quantize_journal.h"
#include "core/engine/shards.h"
#include "core/engine/source_digests.h"
#include "core/methods/method_info.h"
#include "core/model/tensors.h"
#include "core/protocol/recipe.h"

namespace sa
{

namespace
{

/// Names of the tensors that the folder takes over or packs with the blocks: a head in a form of its own comes behind
/// them.
Result<std::vector<std::string>> namesWithoutHead(const ModelFolder& model, const QuantizeSpec& spec)
{
    std::vector<std::string> names = model.store.names();
    if (spec.headBits == kKeptHeadBits)
        return names;
    const std::string head = headLayer(model.config).name + ".weight";
    if (model.config.tiedHead && model.embeddingTensor() == head)
        return makeError(Errc::Unsupported, "the embeddings are stored under the head's name, which its own form needs")
            .in(model.path)
            .at(head)
            .tryThis(
                "Leave the head as it is (--head-bits 16), or save the model with its embeddings under their name");
    std::erase(names, head);
    return names;
}

/// Enters the head in the folder's configuration and in the result.
Json enterHead(const QuantizedHead& head, QuantizationInfo& info)
{
    const std::string& name = head.info.name;
    info.version = QuantizationInfo::kVersionWithHead;
    if (head.planes) {
        PackedLayerInfo& layer = info.layers[name] = PackedLayerInfo::of(name, *head.planes);
        layer.error = head.error;
        layer.relativeError = head.relativeError;
    } else {
        info.byteHead = ByteHeadInfo{name, head.bytes->N, head.bytes->K, head.error, head.relativeError};
    }
    return {{"name", name},
            {"bits", head.planes ? head.planes->q : kByteHeadBits},
            {"N", head.info.N},
            {"K", head.info.K},
            {"bytes", head.storedBytes()},
            {"error", head.error},
            {"relative_error", head.relativeError},
            {"seconds", head.seconds}};
}

Result<Json> quantize(const QuantizeSpec& spec, const JobContext& context)
{
    const Stopwatch watch;
    if (spec.mode != "lat" && spec.mode != "acc")
        return makeError(Errc::Usage, "there is no such mode")
            .at("mode")
            .butFound("\"" + display(spec.mode) + "\"")
            .wanted("lat or acc");
    setThreads(spec.threads);
    SA_TRY(const at::Device device, parseDevice(spec.device));
    SA_TRY(const ModelFolder model, openOriginal(spec.model, context));
    SA_TRY(const BitPlan plan, readBitPlan(spec, model));
    SA_TRY(StagedFolder stage, openQuantizeStage(spec, context));
    SA_TRY(const CalibrationText calibration, readCalibration(spec, model, context));
    SA_TRY(const std::vector<std::string> names, namesWithoutHead(model, spec));
    const bool quantizesHead = spec.headBits != kKeptHeadBits;
    const int shards = static_cast<int>(model.config.layers) + 1 + (quantizesHead ? 1 : 0);
    const std::string folder = stage.path();
    SA_TRY(PackedWriter writer, PackedWriter::create(std::move(stage), model.store, shards,
                                                     outputBytes(model, spec, plan.widths) + kTokenizerRoom));

    writer.lookAt(context.cancel);
    SA_TRY(QuantizationInfo info, describeOriginal(model, context));
    info.mode = spec.mode;
    SA_CHECK(checkPlanIsFor(plan, spec, info.source, context));
    info.bits = plan.bits;
    if (plan.plan)
        info.plan = toJson(*plan.plan);
    info.recipe = recipeOf(spec);
    info.calibration = calibration.record;
    SA_TRY(QuantizeJournal journal,
           QuantizeJournal::open(spec.out, folder, model, info, calibration.windows, device, context));
    writer.keep(journal.finishedBlocks() > 0);
    const double secondsBefore = journal.seconds();

    const auto tensors = dealToShards(names, model.config.names.block, model.config.layers);
    SA_CHECK(writer.writeShard(shardTensors(tensors.front(), {})));
    BlockPipeline pipeline(model, spec, plan.widths, device, context);
    pipeline.clock().lap("model", "open");
    SA_CHECK(pipeline.embed(calibration.windows));
    LayerLedger ledger(info, context);
    const auto skip = [&](int block, const ModelFolder& finished) { return pipeline.skip(block, finished); };
    SA_CHECK(journal.restore(model, info, tensors, writer, skip, ledger, context));
    for (int block = journal.finishedBlocks(); block < model.config.layers; ++block) {
        const auto onLayer = [&](const QuantizedLayer& layer) {
            ledger.add(layer.info, layer.packed, {layer.error, layer.relativeError, layer.seconds});
        };
        SA_TRY(const auto quantized, pipeline.run(block, onLayer));
        ledger.enterKept(model, block, plan.widths);
        std::map<std::string, const PackedWeight*> packed;
        for (const auto& layer : quantized)
            packed[layer.info.name] = &layer.packed;
        SA_TRY(const auto shard, writer.writeShard(shardTensors(tensors[static_cast<std::size_t>(block) + 1], packed)));
        std::vector<FinishedLayer> finished;
        for (const auto& layer : quantized)
            finished.push_back({layer.info.name, layer.seconds, toJson(info.layers.at(layer.info.name))});
        SA_CHECK(journal.add(shard, finished, secondsBefore + watch.seconds()));
        writer.keep(true);
        pipeline.clock().lap("model", "write");
    }
    Json headResult;
    if (quantizesHead) {
        SA_TRY(const QuantizedHead head, pipeline.runHead(spec.headBits));
        headResult = enterHead(head, info);
        SA_CHECK(writer.writeShard(
            {{head.info.name, head.planes ? &*head.planes : nullptr, nullptr, head.bytes ? &*head.bytes : nullptr}}));
        pipeline.clock().lap("model", "write");
    }
    SA_TRY(const std::uint64_t storedBytes, writer.publish(info, context.cancel));
    pipeline.clock().lap("model", "publish");
    Json result = ledger.result(spec.out, secondsBefore + watch.seconds(), storedBytes);
    result["method"] = spec.method;
    if (quantizesHead)
        result["head"] = std::move(headResult);
    SA_TRY(const CostReport cost, CostReport::create(model, &info));
    result["cost"] = cost.summary();
    if (const auto sensitivity = findCachedSensitivity(info, plan.plan ? plan.plan->sensitivitySha256 : ""))
        result["prediction"] = predictionOf(info, *sensitivity, plan.plan ? "plan" : "cache");
    result["stages"] = pipeline.clock().json();
    return result;
}

} // namespace

Result<Json> quantizeModel(const QuantizeSpec& spec, const JobContext& context)
{
    if (spec.method != kBuiltInMethod)
        return quantizeWithMethod(spec, context);
    if (!spec.options.empty()) {
        SA_TRY(const QuantizeSpec whole, withOwnOptions(spec));
        return quantizeModel(whole, context);
    }
    auto outcome = guarded([&] { return quantize(spec, context); });
    if (!outcome)
        return withResumeHint(std::move(outcome).error(), spec.out);
    return outcome;
}

} // namespace sa
