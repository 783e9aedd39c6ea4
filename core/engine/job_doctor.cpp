// SPDX-License-Identifier: GPL-3.0-or-later
// `doctor`: will this folder open, run and quantize here? Every question that headers can answer, each with its remedy.
#include "core/base/memory_use.h"
#include "core/chat/chat_template.h"
#include "core/engine/estimates.h"
#include "core/engine/jobs.h"
#include "core/model/tensors.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

namespace sa
{

namespace
{

std::string sizeText(std::uint64_t bytes)
{
    char out[48];
    if (bytes >= std::uint64_t{1} << 30)
        std::snprintf(out, sizeof out, "%.1f GiB", static_cast<double>(bytes) / 0x1p30);
    else
        std::snprintf(out, sizeof out, "%.0f MiB", static_cast<double>(bytes) / 0x1p20);
    return out;
}

std::string durationText(double seconds)
{
    char out[48];
    if (seconds < 90)
        std::snprintf(out, sizeof out, "%.0f s", std::max(1.0, seconds));
    else if (seconds < 5400)
        std::snprintf(out, sizeof out, "%.0f min", seconds / 60);
    else
        std::snprintf(out, sizeof out, "%.1f h", seconds / 3600);
    return out;
}

/// The list under construction.
class Report
{
public:
    void passed(const char* id, const char* title, const std::string& detail) { add(id, title, "passed", detail, {}); }
    void warning(const char* id, const char* title, const std::string& detail, const std::string& remedy)
    {
        add(id, title, "warning", detail, remedy);
        ++m_warnings;
    }
    void failed(const char* id, const char* title, const std::string& detail, const std::string& remedy)
    {
        add(id, title, "failed", detail, remedy);
        ++m_failed;
    }
    void failed(const char* id, const char* title, Error error)
    {
        std::string remedy = std::move(error.remedy);
        error.remedy.clear();
        if (remedy.empty())
            remedy = error.expected.empty() ? "Check that the download is complete" : "It has to be " + error.expected;
        failed(id, title, error.sentence(), remedy);
    }

    Json take(const std::string& model, Json estimates)
    {
        const auto passed = static_cast<int>(m_checks.size()) - m_warnings - m_failed;
        return Json{{"model", model},     {"checks", std::move(m_checks)},
                    {"passed", passed},   {"warnings", m_warnings},
                    {"failed", m_failed}, {"estimates", std::move(estimates)}};
    }

private:
    void add(const char* id, const char* title, const char* status, const std::string& detail,
             const std::string& remedy)
    {
        m_checks.push_back({{"id", id}, {"title", title}, {"status", status}, {"detail", detail}, {"remedy", remedy}});
    }
    Json m_checks = Json::array();
    int m_warnings = 0, m_failed = 0;
};

void checkWeights(const WeightStore& store, Report& report)
{
    const auto files = store.files();
    const std::string summary = std::to_string(files.size()) + (files.size() == 1 ? " file, " : " files, ") +
                                std::to_string(store.names().size()) + " tensors, " + sizeText(store.totalBytes());
    if (store.warnings().empty())
        return report.passed("weights", "Weight files", summary);
    std::string all = summary;
    for (const auto& warning : store.warnings())
        all += "; " + warning;
    report.warning("weights", "Weight files", all, "Remove what does not belong to the model");
}

void checkDtypes(const ModelFolder& model, Report& report)
{
    std::set<std::string> types;
    for (const auto& tensor : model.store.names())
        if (const auto info = model.store.find(tensor))
            types.insert(name((*info)->dtype));
    std::string list;
    for (const auto& type : types)
        list += (list.empty() ? "" : ", ") + type;
    report.passed("dtypes", "Number formats", list);
}

void checkTokenizer(const std::string& folder, const ModelConfig* config, Report& report)
{
    const auto tokenizer = Tokenizer::open(folder);
    if (!tokenizer)
        return report.failed("tokenizer", "Tokenizer", tokenizer.error());
    const auto ids = static_cast<std::int64_t>(tokenizer->size());
    report.passed("tokenizer", "Tokenizer", tokenizer->modelType() + ", " + std::to_string(ids) + " tokens");
    if (!config)
        return;
    const std::string sizes = std::to_string(ids) + " tokens for " + std::to_string(config->vocab) + " embeddings";
    if (ids > config->vocab)
        return report.warning("vocabulary", "Tokenizer against embeddings",
                              sizes + ": texts with the tokens beyond cannot be read",
                              "Use the tokenizer that came with these weights");
    report.passed("vocabulary", "Tokenizer against embeddings", sizes);
}

void checkTemplate(const std::string& folder, Report& report)
{
    const auto chat = ChatTemplate::open(folder);
    if (!chat) {
        Error error = chat.error();
        error.remedy.clear();
        return report.warning("template", "Chat template", error.sentence(),
                              "Chat will use plain prompts; repair the template to have its own form");
    }
    report.passed("template", "Chat template",
                  chat->isPlain() ? "none: a base model, prompts are used as they are" : "understood");
}

void checkMemory(const ModelFolder& model, const QuantizeSpec& spec, Json& estimates, Report& report)
{
    const std::uint64_t available = availableMemory().value_or(0);
    const std::uint64_t resident = residentBytes(model);
    const std::uint64_t quantize = model.packed() ? 0 : quantizeMemoryBytes(model, spec);
    estimates["memory_bytes"] = model.packed() ? resident : quantize;
    estimates["resident_bytes"] = resident;
    const std::string free = available == 0 ? std::string() : ", " + sizeText(available) + " are free";
    if (!model.packed()) {
        const std::string text = "quantizing needs about " + sizeText(quantize) + free;
        if (available != 0 && quantize > available)
            report.failed("memory", "Memory for quantizing", text,
                          "Close other programs, or quantize with fewer samples or shorter windows");
        else
            report.passed("memory", "Memory for quantizing", text);
    }
    const std::string text = "evaluating and chatting hold about " + sizeText(resident) + free;
    if (available != 0 && resident > available)
        report.warning("resident", "Memory for running", text,
                       model.packed() ? "Close other programs, or use a machine with more memory"
                                      : "Quantizing works; compare with the original on a machine with more memory");
    else
        report.passed("resident", "Memory for running", text);
}

void checkDisk(const ModelFolder& model, const QuantizeSpec& spec, Json& estimates, Report& report)
{
    const std::uint64_t wanted = outputBytes(model, spec);
    estimates["disk_bytes"] = wanted;
    const std::string parent = std::filesystem::path(joinPath(model.path, ".")).parent_path().parent_path().string();
    const auto free = freeBytes(parent.empty() ? "." : parent);
    const std::string text = "the packed model takes about " + sizeText(wanted) + " at " + std::to_string(spec.bits) +
                             " bits" + (free ? ", " + sizeText(*free) + " are free beside the model" : "");
    if (free && *free < wanted)
        report.warning("disk", "Disk space", text, "Free some space, or write the packed model to another disk");
    else
        report.passed("disk", "Disk space", text);
}

} // namespace

Result<Json> examineModel(const DoctorSpec& spec, const JobContext& context)
{
    Report report;
    Json estimates = Json::object();
    const auto done = [&] { return report.take(spec.model, estimates); };

    const auto config = readConfig(spec.model);
    if (!config) {
        report.failed("config", "Configuration", config.error());
        return done();
    }
    const JsonField root(*config, joinPath(spec.model, "config.json"));
    const auto table = ModelConfig::parse(root);
    if (table)
        report.passed("architecture", "Architecture",
                      table->architecture + ", " + std::to_string(table->layers) + " blocks of width " +
                          std::to_string(table->hidden));
    else
        report.failed("architecture", "Architecture", table.error());
    SA_CHECK(context.cancel.check());

    auto store = WeightStore::open(spec.model);
    if (store)
        checkWeights(*store, report);
    else
        report.failed("weights", "Weight files", store.error());
    std::optional<ModelFolder> model;
    if (store && table) {
        const auto join = [&]() -> Result<ModelFolder> {
            SA_TRY(auto quantization, quantizationOf(root));
            return ModelFolder::join(spec.model, *table, std::move(quantization), *std::move(store));
        };
        auto opened = join();
        if (opened) {
            model.emplace(*std::move(opened));
            report.passed("tensors", "Tensors", "all are there, in the shapes that the configuration asks for");
            checkDtypes(*model, report);
        } else {
            report.failed("tensors", "Tensors", opened.error());
        }
    }
    SA_CHECK(context.cancel.check());
    checkTokenizer(spec.model, table ? &*table : nullptr, report);
    checkTemplate(spec.model, report);
    SA_CHECK(context.cancel.check());
    if (!model)
        return done();

    const QuantizeSpec quantize;
    checkMemory(*model, quantize, estimates, report);
    if (!model->packed()) {
        checkDisk(*model, quantize, estimates, report);
        setThreads(0);
        const double seconds = quantizeSeconds(*model, quantize);
        estimates["seconds"] = seconds;
        report.passed("time", "Time for quantizing",
                      "about " + durationText(seconds) + " on this machine, with " + std::to_string(quantize.samples) +
                          " windows of " + std::to_string(calibrationWindow(quantize, model->config)) + " tokens");
    }
    return done();
}

} // namespace sa
