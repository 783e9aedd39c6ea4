// SPDX-License-Identifier: GPL-3.0-or-later
// `report`: what a model is, where it came from and what was measured of it, as one certificate.
#include "core/base/atomic_file.h"
#include "core/base/file.h"
#include "core/engine/evaluation.h"
#include "core/engine/model_identity.h"
#include "core/engine/report_html.h"
#include "core/protocol/messages.h"

#include <algorithm>
#include <ctime>
#include <utility>

namespace sa
{

namespace
{

constexpr int kCertificateVersion = 1;

std::string today()
{
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text;
}

/// What a folder is: nothing of where it lies.
Result<Json> describe(const std::string& folder, const Json& opened, const JobContext& context)
{
    SA_TRY(const ModelFolder model, ModelFolder::open(folder));
    SA_TRY(const Json identity, modelIdentity(model, context));
    Json out{{"name", splitPath(folder).name}, {"identity", identity}, {"quantization", nullptr}};
    for (const char* key : {"format", "architecture", "family", "parameters", "bits_per_weight", "stored_bytes",
                            "original_bytes", "dtype"})
        out[key] = opened.at(key);
    // Layers apart, the record that quantization left: recipe, calibration, digests of the source.
    SA_TRY(const Json config, readConfig(folder));
    if (config.contains("quantization_config") && config["quantization_config"].is_object()) {
        out["quantization"] = config["quantization_config"];
        out["quantization"].erase("layers");
    }
    return out;
}

/// Percentage points that the worst task lost; null while one of them is unknown.
Json accuracyLoss(const Json& tasks, const Json& originalTasks)
{
    Json worst;
    for (const Json& task : tasks)
        for (const Json& before : originalTasks) {
            if (task.at("task") != before.at("task"))
                continue;
            const Json &now = task.at("accuracy").at("value"), &then = before.at("accuracy").at("value");
            if (!now.is_number() || !then.is_number())
                return {};
            const double loss = 100.0 * (then.get<double>() - now.get<double>());
            worst = worst.is_null() ? loss : std::max(worst.get<double>(), loss);
        }
    return worst;
}

Json gateOf(const ReportSpec& spec, const Json& evaluation, const Json& originalTasks)
{
    Json limits = Json::array();
    bool passed = true;
    const auto add = [&](const char* name, const std::optional<double>& most, const Json& value) {
        if (!most)
            return;
        const bool within = value.is_number() && value.get<double>() <= *most;
        limits.push_back({{"name", name}, {"limit", *most}, {"value", value}, {"passed", within}});
        passed = passed && within;
    };
    const Json divergence = evaluation.value("divergence", Json::object());
    Json mean, increase;
    if (divergence.contains("mean"))
        mean = divergence["mean"]["value"];
    if (divergence.contains("perplexity_ratio") && divergence["perplexity_ratio"]["value"].is_number())
        increase = 100.0 * (divergence["perplexity_ratio"]["value"].get<double>() - 1.0);
    add("mean KL divergence, nats a token", spec.maxKl, mean);
    add("increase of perplexity, %", spec.maxPerplexityIncrease, increase);
    add("loss of accuracy, percentage points", spec.maxAccuracyLoss,
        accuracyLoss(evaluation.value("tasks", Json::array()), originalTasks));
    const bool overridden = !passed && !spec.overrideReason.empty();
    return {{"limits", limits},
            {"passed", passed},
            {"override", overridden ? Json(spec.overrideReason) : Json()},
            {"accepted", passed || overridden}};
}

/// The same questions, put to the original.
EvaluateSpec tasksOfTheOriginal(EvaluateSpec spec)
{
    spec.model = std::exchange(spec.reference, {});
    spec.text.clear();
    spec.harness.clear();
    return spec;
}

std::string shellCommand(const ReportSpec& spec)
{
    std::string out;
    for (const std::string& argument : commandLine(spec))
        out += (out.empty() ? "" : " ") + argument;
    return out;
}

} // namespace

Result<Json> writeReport(const ReportSpec& spec, const JobContext& context)
{
    Json latency;
    if (!spec.latency.empty()) {
        SA_TRY(latency, json::parseFile(spec.latency));
        if (latency.contains("result")) // a line of --json
            latency = Json(latency["result"]);
        if (!latency.contains("models"))
            return makeError(Errc::BadFormat, "this is not the result of a latency job").in(spec.latency).at("models");
    }
    SA_TRY(const Json evaluation, evaluateModel(spec.evaluate, context));
    Json originalTasks = Json::array();
    if (!spec.evaluate.tasks.empty() && !spec.evaluate.reference.empty()) {
        SA_TRY(Json original, evaluateModel(tasksOfTheOriginal(spec.evaluate), context));
        originalTasks = original.value("tasks", Json::array());
    }
    SA_TRY(const Json opened, openModel(OpenSpec{spec.evaluate.model}, context));
    Json certificate{{"certificate", kCertificateVersion},
                     {"program", std::string("shiftadd ") + buildVersion()},
                     {"date", today()},
                     {"machine", devices().front()},
                     {"command", shellCommand(spec)},
                     {"evaluation", evaluation},
                     {"original_tasks", originalTasks},
                     {"latency", latency},
                     {"gate", gateOf(spec, evaluation, originalTasks)},
                     {"cost", opened.at("cost")},
                     {"original", nullptr},
                     {"layers", Json::array()}};
    SA_TRY(certificate["model"], describe(spec.evaluate.model, opened, context));
    if (!spec.evaluate.reference.empty()) {
        SA_TRY(const Json original, openModel(OpenSpec{spec.evaluate.reference}, context));
        SA_TRY(certificate["original"], describe(spec.evaluate.reference, original, context));
    }
    for (const Json& layer : opened.at("layers"))
        certificate["layers"].push_back(
            {{"name", layer.at("name")}, {"bits", layer.at("bits")}, {"relative_error", layer.at("relative_error")}});
    if (!spec.out.empty())
        SA_CHECK(writeFileAtomic(spec.out, json::dumpPretty(certificate)));
    if (!spec.html.empty())
        SA_CHECK(writeFileAtomic(spec.html, reportHtml(certificate)));
    return certificate;
}

} // namespace sa
