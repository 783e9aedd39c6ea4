// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/quantize_journal.h"

#include "core/base/sha256.h"
#include "core/engine/progress.h"
#include "core/protocol/messages.h"

#include <algorithm>
#include <filesystem>
#include <limits>

namespace fs = std::filesystem;

namespace sa
{

namespace
{

constexpr const char* kWindowsField = "calibration.windows_sha256";
constexpr const char* kDenseBytes = "stored_bytes"; // only the entries of dense layers have it

bool isDense(const Json& entry)
{
    return entry.is_object() && entry.contains(kDenseBytes);
}

Result<void> enterDense(const JsonField& entry, const LinearInfo& layer, LayerOutcome outcome,
                        std::map<std::string, int>& widths, LayerLedger& ledger)
{
    constexpr double kLargest = std::numeric_limits<double>::max();
    SA_TRY(const std::int64_t bits, entry.intAt("bits", 0, 64));
    SA_TRY(const std::int64_t bytes, entry.intAt(kDenseBytes, 0, std::numeric_limits<std::int64_t>::max()));
    SA_TRY(const JsonField error, entry.at("error"));
    SA_TRY(outcome.error, error.asDouble(0, kLargest));
    SA_TRY(const JsonField relative, entry.at("relative_error"));
    SA_TRY(outcome.relativeError, relative.asDouble(0, kLargest));
    widths[layer.name] = static_cast<int>(bits);
    ledger.enter(layer, static_cast<int>(bits), static_cast<std::uint64_t>(bytes), outcome);
    return {};
}

std::string blocksText(std::size_t finished, int of)
{
    return std::to_string(finished) + " of " + std::to_string(of) + " blocks";
}

/// What is copied anew, and what was being written when the process died; all of it when there are no finished shards.
Result<void> removeLeftovers(const std::string& folder, bool shardsToo)
{
    std::vector<fs::path> surplus;
    std::error_code failed;
    fs::directory_iterator entry(folder, failed);
    for (; !failed && entry != fs::directory_iterator(); entry.increment(failed)) {
        const std::string fileName = entry->path().filename().string();
        if (shardsToo || fileName.front() == '.' || !fileName.ends_with(".safetensors"))
            surplus.push_back(entry->path());
    }
    if (failed)
        return systemError(failed.value(), "list the folder", folder);
    for (const auto& path : surplus)
        removeTree(path.string());
    return {};
}

std::string digestOf(const std::vector<std::vector<std::int32_t>>& windows)
{
    Sha256 digest;
    for (const auto& window : windows)
        digest.update(std::as_bytes(std::span(window)));
    return digest.hex();
}

/// Everything that the shards depend on. Threads are not part of it: the bytes are the same for any number.
Result<Json> identityOf(const QuantizationInfo& info, const std::vector<std::vector<std::int32_t>>& windows,
                        at::Device device, const Json& more)
{
    Json identity = info.toJson();
    identity.update(more);
    identity.erase("layers");
    identity.erase("files");
    // What is there twice: each difference is named once.
    for (const char* key : {"mode", "bits"})
        if (info.recipe.contains(key))
            identity.erase(key);
    for (const char* key : {"samples", "seqlen", "seed"})
        if (info.calibration.is_object() && info.calibration.contains(key))
            identity["recipe"].erase(key);
    identity["build"] = buildVersion();
    identity["device"] = device.is_cpu() ? "cpu" : "cuda";
    if (identity["calibration"].is_object())
        identity["calibration"]["windows_sha256"] = digestOf(windows);
    // As it will be read back: names that are not UTF-8 change in writing.
    return json::parse(json::dump(identity), {});
}

Error anotherJob(const std::string& path, const std::vector<std::string>& differences)
{
    const auto isOfWindows = [](const std::string& text) { return text.starts_with(kWindowsField); };
    const auto isOfText = [&](const std::string& text) {
        return !isOfWindows(text) && (text.starts_with("calibration.") || text.starts_with("source.tokenizer"));
    };
    const bool explained = std::any_of(differences.begin(), differences.end(), isOfText);
    std::string list;
    for (const auto& difference : differences)
        if (!explained || !isOfWindows(difference)) // other windows follow from what is named already
            list += (list.empty() ? "" : ", ") + difference;
    return makeError(Errc::BadInput, "the unfinished job is not the one that was asked for: " + list)
        .in(path)
        .tryThis("Use the settings and files that it was begun with, choose another output folder, or discard it "
                 "(--restart)");
}

/// How many of the finished shards are still what they were.
Result<std::size_t> intactShards(const Journal& journal, const std::string& folder, const JobContext& context)
{
    ProgressMeter meter(context.emit, "resume", "blocks", 2.0 * static_cast<double>(journal.finished.size()));
    for (std::size_t i = 0; i < journal.finished.size(); ++i) {
        const FinishedBlock& block = journal.finished[i];
        meter.update(static_cast<double>(i), block.file);
        const auto digest = sha256OfFile(joinPath(folder, block.file), &context.cancel);
        if (!digest && digest.error().code == Errc::Cancelled)
            return digest.error();
        if (digest && *digest == block.sha256)
            continue;
        context.warn(display(block.file) + (digest ? " is not what was written" : " cannot be read") + ": block " +
                     std::to_string(i) + " and what follows is done again");
        return i;
    }
    return journal.finished.size();
}

} // namespace

Result<StagedFolder> openQuantizeStage(const QuantizeSpec& spec, const JobContext& context)
{
    if (spec.restart)
        SA_CHECK(StagedFolder::discardUnfinished(spec.out));
    SA_TRY(StagedFolder stage, StagedFolder::continued(spec.out));
    const auto journal = readJournal(journalPath(spec.out));
    const bool nothing =
        journal ? journal->finished.empty() && journal->damage.empty() : journal.error().code == Errc::NotFound;
    if (!nothing && !spec.resume)
        return makeError(Errc::BadInput, "an unfinished job waits for this output folder")
            .in(spec.out)
            .butFound(journal ? blocksText(journal->finished.size(), journal->blocks) + " finished" : "")
            .tryThis("Resume it (--resume), or discard it and start over (--restart)");
    if (!journal && !nothing) {
        Error error = journal.error();
        if (error.remedy.find("--restart") == std::string::npos)
            error.remedy = "It cannot be continued: discard it and start over (--restart)";
        return error;
    }
    if (nothing && spec.resume)
        context.emit(toJson(Note{"info", "there is no unfinished job to resume: this one starts from the beginning"}));
    stage.keep(!nothing);
    SA_CHECK(removeLeftovers(stage.path(), nothing));
    if (nothing)
        removeTree(journalPath(spec.out));
    return stage;
}

Result<QuantizeJournal> QuantizeJournal::open(const std::string& out, const std::string& folder,
                                              const ModelFolder& model, const QuantizationInfo& info,
                                              const std::vector<std::vector<std::int32_t>>& windows, at::Device device,
                                              const JobContext& context, const Json& more)
{
    const std::string path = journalPath(out);
    SA_TRY(Json identity, identityOf(info, windows, device, more));
    auto journal = readJournal(path);
    if (!journal) {
        const Journal begun{std::move(identity), static_cast<int>(model.config.layers),
                            static_cast<int>(linearLayers(model.config).size())};
        SA_TRY(JournalWriter writer, JournalWriter::begin(path, begun));
        return QuantizeJournal(folder, std::move(writer), {});
    }
    if (const auto differences = identityDifferences(journal->identity, identity); !differences.empty())
        return anotherJob(out, differences);
    if (!journal->damage.empty())
        context.warn("the journal is damaged (" + display(journal->damage) +
                     "): what it says from there on is done again");
    SA_TRY(const std::size_t intact, intactShards(*journal, folder, context));
    SA_TRY(JournalWriter writer, JournalWriter::resume(path, *journal, intact));
    journal->finished.resize(intact);
    return QuantizeJournal(folder, std::move(writer), std::move(journal->finished));
}

Json denseEntry(int bits, std::uint64_t storedBytes, const LayerOutcome& outcome)
{
    return {{"bits", bits},
            {kDenseBytes, storedBytes},
            {"error", outcome.error},
            {"relative_error", outcome.relativeError}};
}

/// The finished blocks as a model that can be loaded: the shards, and the packed layers as a folder's config says it.
Result<ModelFolder> QuantizeJournal::finishedModel(const ModelFolder& model, const QuantizationInfo& info) const
{
    Json config = info.toJson();
    std::vector<std::string> files;
    for (const auto& block : m_finished) {
        for (const auto& [name, entry] : block.layers.items())
            if (!isDense(entry))
                config["layers"][name] = entry;
        files.push_back(block.file);
    }
    SA_TRY(WeightStore store, WeightStore::openShards(m_folder, files));
    std::optional<QuantizationInfo> layers;
    if (!config["layers"].empty()) {
        SA_TRY(layers, QuantizationInfo::parse(JsonField(config, m_folder)));
    }
    return ModelFolder{m_folder, model.config, std::move(store), std::move(layers), {}};
}

Result<void> QuantizeJournal::restore(const ModelFolder& model, const QuantizationInfo& info,
                                      const std::vector<std::vector<std::string>>& tensors, PackedWriter& writer,
                                      const Skip& skip, LayerLedger& ledger, const JobContext& context) const
{
    if (m_finished.empty())
        return {};
    SA_TRY(const ModelFolder finished, finishedModel(model, info));
    const auto count = static_cast<double>(m_finished.size());
    ProgressMeter meter(context.emit, "resume", "blocks", 2 * count);
    for (int index = 0; index < finishedBlocks(); ++index) {
        const FinishedBlock& block = m_finished[static_cast<std::size_t>(index)];
        meter.update(count + index, model.config.blockPrefix(index));
        SA_CHECK(skip(index, finished));
        std::map<std::string, PackedWeight> weights;
        std::map<std::string, const PackedWeight*> packed;
        std::map<std::string, int> widths;
        for (const auto& layer : linearLayersOfBlock(model.config, index)) {
            const auto seconds = block.layerSeconds.find(layer.name);
            LayerOutcome outcome{0, 0, seconds == block.layerSeconds.end() ? 0 : seconds->second, true};
            const PackedLayerInfo* layerInfo = finished.packedLayer(layer.name);
            if (layerInfo) {
                SA_TRY(weights[layer.name], readPacked(finished.store, *layerInfo));
                packed[layer.name] = &weights[layer.name];
                widths[layer.name] = layerInfo->q;
                outcome.error = layerInfo->error;
                outcome.relativeError = layerInfo->relativeError;
                ledger.add(layer, weights[layer.name], outcome);
            } else if (block.layers.contains(layer.name)) {
                const JsonField entry(block.layers[layer.name], journalPath(m_folder), layer.name);
                SA_CHECK(enterDense(entry, layer, outcome, widths, ledger));
            }
        }
        ledger.enterKept(model, index, widths);
        SA_CHECK(writer.adoptShard(shardTensors(tensors[static_cast<std::size_t>(index) + 1], packed),
                                   {block.file, block.sha256}));
    }
    meter.update(2 * count);
    return {};
}

Result<void> QuantizeJournal::add(const PackedWriter::Shard& shard, const std::vector<FinishedLayer>& layers,
                                  double seconds)
{
    FinishedBlock block;
    block.file = shard.file;
    block.sha256 = shard.sha256;
    block.seconds = seconds;
    for (const auto& layer : layers) {
        block.layers[layer.name] = layer.entry;
        block.layerSeconds[layer.name] = layer.seconds;
    }
    SA_CHECK(m_writer.add(block));
    m_finished.push_back(std::move(block));
    return {};
}

Error withResumeHint(Error error, const std::string& out)
{
    const auto journal = findUnfinished(out);
    const bool concernsTheSettings = error.code == Errc::Usage;
    if (!journal || concernsTheSettings || StagedFolder::isLocked(out) ||
        error.remedy.find("--restart") != std::string::npos)
        return error;
    error.remedy += (error.remedy.empty() ? "" : ". ") + blocksText(journal->finished.size(), journal->blocks) +
                    " are kept: resume the job to go on from there (--resume)";
    return error;
}

} // namespace sa
