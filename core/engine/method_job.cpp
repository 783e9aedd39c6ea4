// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/method_job.h"

#include "core/base/sha256.h"
#include "core/engine/method_pipeline.h"
#include "core/engine/quantize_input.h"
#include "core/engine/quantize_journal.h"
#include "core/engine/shards.h"
#include "core/methods/method_catalog.h"
#include "core/methods/method_options.h"
#include "core/model/tensors.h"
#include "core/protocol/recipe.h"

#include <cmath>

namespace sa
{

namespace
{

constexpr int kRecordVersion = 1;
constexpr std::uint64_t kHeaderBytes = std::uint64_t{1} << 20;

/// How many bits a weight has for people who compare: what was asked for, or what is stored, rounded.
int bitsOf(const Json& options, const MethodLayer& layer)
{
    if (options.contains("bits") && options["bits"].is_number_integer())
        return options["bits"].get<int>();
    const double weights = static_cast<double>(layer.info.N) * static_cast<double>(layer.info.K);
    return static_cast<int>(std::lround(8.0 * static_cast<double>(layer.output.storedBytes) / weights));
}

/// The shard's tensors with each layer in its new form.
std::vector<PackedWriter::Tensor> tensorsOf(const std::vector<std::string>& names,
                                            const std::vector<MethodLayer>& layers)
{
    std::map<std::string, const PackedWeight*> packed;
    std::map<std::string, const std::vector<float>*> dense;
    for (const auto& layer : layers) {
        if (layer.output.planes)
            packed[layer.info.name] = &*layer.output.planes;
        else
            dense[layer.info.name + ".weight"] = &layer.output.dense;
    }
    auto tensors = shardTensors(names, packed);
    for (auto& tensor : tensors)
        if (const auto place = dense.find(tensor.name); place != dense.end())
            tensor.values = place->second;
    return tensors;
}

/// Of the layers that are quantized, as the original has them.
std::uint64_t denseBytes(const ModelFolder& model)
{
    std::uint64_t bytes = 0;
    for (const auto& layer : linearLayers(model.config))
        if (const auto tensor = model.store.find(layer.name + ".weight"))
            bytes += (*tensor)->sizeBytes;
    return bytes;
}

/// shiftadd_record.json, all but the digests of the files.
Json recordOf(const MethodInfo& method, const QuantizationInfo& info, const LayerLedger& ledger)
{
    Json layers = Json::object();
    for (const auto& layer : ledger.layers())
        layers[layer["name"].get<std::string>()] = {{"N", layer["N"]},
                                                    {"K", layer["K"]},
                                                    {"stored_bytes", layer["bytes"]},
                                                    {"error", layer["error"]},
                                                    {"relative_error", layer["relative_error"]}};
    return {{"record_version", kRecordVersion},
            {"method", method.id},
            {"recipe", info.recipe},
            {"calibration", info.calibration},
            {"source", info.source},
            {"original_dtype", info.originalDtype},
            {"original_bytes", info.originalBytes},
            {"bits_per_weight", ledger.bitsPerWeight()},
            {"layers", layers}};
}

/// Planes go into the books of the folder, dense results into its record.
Json journalEntry(const Json& options, const MethodLayer& layer, const QuantizationInfo& info)
{
    return layer.output.planes ? toJson(info.layers.at(layer.info.name))
                               : denseEntry(bitsOf(options, layer), layer.output.storedBytes, layer.outcome);
}

Result<Json> quantizeByPlugin(const QuantizeSpec& spec, const JobContext& context)
{
    const Stopwatch watch;
    if (!spec.plan.empty())
        return makeError(Errc::Usage, "only the built-in method takes a plan")
            .at("plan")
            .butFound("method \"" + display(spec.method) + "\"")
            .tryThis("Leave --plan or --method out");
    if (spec.headBits != kKeptHeadBits)
        return makeError(Errc::Usage, "only the built-in method quantizes the output head")
            .at("head_bits")
            .butFound("method \"" + display(spec.method) + "\"")
            .tryThis("Leave --head-bits or --method out");
    const MethodCatalog catalog = findMethods();
    SA_TRY(const MethodInfo method, requireMethod(catalog, spec.method));
    SA_TRY(const Json options, completeOptions(method, spec.options, {{"bits", spec.bits}, {"seed", spec.seed}}));
    SA_TRY(const MethodLibrary library, MethodLibrary::load(method));
    setThreads(spec.threads);
    SA_TRY(const at::Device device, parseDevice(spec.device));
    SA_TRY(const ModelFolder model, openOriginal(spec.model, context));
    SA_TRY(StagedFolder stage, openQuantizeStage(spec, context));
    CalibrationText calibration; // empty: the method looks at none
    if (method.needsHessian(options)) {
        SA_TRY(calibration, readCalibration(spec, model, context));
    }
    const int shards = static_cast<int>(model.config.layers) + 1;
    const std::string folder = stage.path();
    SA_TRY(PackedWriter writer, PackedWriter::create(std::move(stage), model.store, shards,
                                                     model.store.totalBytes() + kHeaderBytes + kTokenizerRoom));
    writer.lookAt(context.cancel);

    QuantizeSpec effective = spec;
    effective.options = options;
    SA_TRY(QuantizationInfo info, describeOriginal(model, context));
    info.mode = method.id;
    info.bits = options.value("bits", 0);
    info.recipe = recipeOf(effective);
    info.calibration = calibration.record;
    SA_TRY(const std::string library256, sha256OfFile(method.library, &context.cancel));
    SA_TRY(QuantizeJournal journal, QuantizeJournal::open(spec.out, folder, model, info, calibration.windows, device,
                                                          context, {{"method_sha256", library256}}));
    writer.keep(journal.finishedBlocks() > 0);
    const double secondsBefore = journal.seconds();

    const auto tensors = dealToShards(model.store.names(), model.config.names.block, model.config.layers);
    SA_CHECK(writer.writeShard(shardTensors(tensors.front(), {})));
    MethodPipeline pipeline(model, method, library, json::dump(options), device, context);
    if (!calibration.windows.empty())
        SA_CHECK(pipeline.embed(calibration.windows));
    LayerLedger ledger(info, context);
    const auto skip = [&](int block, const ModelFolder& finished) { return pipeline.skip(block, finished); };
    SA_CHECK(journal.restore(model, info, tensors, writer, skip, ledger, context));
    for (int block = journal.finishedBlocks(); block < model.config.layers; ++block) {
        const auto onLayer = [&](const MethodLayer& layer) {
            if (layer.output.planes)
                ledger.add(layer.info, *layer.output.planes, layer.outcome);
            else
                ledger.enter(layer.info, bitsOf(options, layer), layer.output.storedBytes, layer.outcome);
        };
        SA_TRY(const auto layers, pipeline.run(block, onLayer));
        SA_TRY(const auto shard, writer.writeShard(tensorsOf(tensors[static_cast<std::size_t>(block) + 1], layers)));
        std::vector<FinishedLayer> finished;
        for (const auto& layer : layers)
            finished.push_back({layer.info.name, layer.outcome.seconds, journalEntry(options, layer, info)});
        SA_CHECK(journal.add(shard, finished, secondsBefore + watch.seconds()));
        writer.keep(true);
    }
    std::uint64_t storedBytes = 0;
    if (method.result == MethodInfo::ResultKind::Planes) {
        SA_TRY(storedBytes, writer.publish(info, context.cancel));
    } else {
        SA_TRY(storedBytes, writer.publishDense(recordOf(method, info, ledger), context.cancel));
    }
    Json result = ledger.result(spec.out, secondsBefore + watch.seconds(), storedBytes);
    result["method"] = method.id;
    if (method.result == MethodInfo::ResultKind::Dense)
        result["nominal_stored_bytes"] = storedBytes - denseBytes(model) + ledger.bytes();
    return result;
}

} // namespace

Result<Json> quantizeWithMethod(const QuantizeSpec& spec, const JobContext& context)
{
    auto outcome = guarded([&] { return quantizeByPlugin(spec, context); });
    if (!outcome)
        return withResumeHint(std::move(outcome).error(), spec.out);
    return outcome;
}

Result<QuantizeSpec> withOwnOptions(const QuantizeSpec& spec)
{
    const MethodCatalog catalog = findMethods();
    SA_TRY(const MethodInfo method, requireMethod(catalog, spec.method));
    Json whole = toJson(JobSpec(spec));
    const Json given = std::exchange(whole["options"], Json::object());
    SA_CHECK(completeOptions(method, given, whole));
    whole.update(given);
    SA_TRY(const JobSpec parsed, parseJobSpec("quantize", whole));
    return std::get<QuantizeSpec>(parsed);
}

Result<Json> listMethods(const MethodsSpec&, const JobContext& context)
{
    const auto folders = methodFolders();
    MethodCatalog catalog = findMethods(folders);
    Json methods = Json::array();
    for (const auto& method : catalog.methods) {
        SA_CHECK(context.cancel.check());
        Json entry = toJson(method);
        entry["usable"] = true;
        if (!method.library.empty())
            if (const auto loaded = MethodLibrary::load(method); !loaded) {
                entry["usable"] = false;
                catalog.warnings.push_back("a method cannot be used: " + loaded.error().sentence());
            }
        methods.push_back(std::move(entry));
    }
    return Json{{"methods", methods}, {"warnings", catalog.warnings}, {"folders", folders}};
}

} // namespace sa
