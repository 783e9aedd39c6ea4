// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/harness_export.h"

#include "core/base/atomic_file.h"
#include "core/base/file.h"
#include "core/base/sha256.h"
#include "core/eval/mmlu_subjects.h"
#include "core/protocol/messages.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <filesystem>

namespace sa
{

namespace
{

Json numberOrText(double value)
{
    return std::isfinite(value) ? Json(value) : Json("N/A"); // the harness's word for a stderr of one item
}

/// "task,group" is the harness's way to name a metric behind its filter.
void addMetric(Json& entry, const std::string& metric, const MeanEstimate& estimate)
{
    entry[metric + ",none"] = numberOrText(estimate.mean);
    entry[metric + "_stderr,none"] = numberOrText(estimate.standardError);
}

Json perTask(const std::vector<TaskResult>& results, const std::function<Json(const TaskResult&)>& value)
{
    Json out = Json::object();
    for (const TaskResult& result : results)
        out[result.task.name] = value(result);
    return out;
}

} // namespace

std::vector<TaskGroup> groupsOf(const std::vector<TaskResult>& results)
{
    std::vector<TaskGroup> groups;
    const auto add = [&](const std::string& name, auto&& belongs) {
        TaskGroup group{name, {}, {}};
        std::vector<MeanEstimate> parts;
        std::size_t expected = 0;
        for (const auto& subject : kMmluSubjects)
            expected += belongs("mmlu_" + std::string(subject.group)) ? 1 : 0;
        for (const TaskResult& result : results) {
            if (!belongs(result.task.group))
                continue;
            parts.push_back(result.metrics.accuracy);
            group.tasks.push_back(result.task.name);
        }
        if (parts.size() != expected)
            return;
        group.accuracy = pooled(parts);
        groups.push_back(std::move(group));
    };
    add("mmlu", [](const std::string& group) { return !group.empty(); });
    for (const auto name : kMmluGroups)
        add("mmlu_" + std::string(name),
            [&](const std::string& group) { return group == "mmlu_" + std::string(name); });
    return groups;
}

Json harnessResults(const std::vector<TaskResult>& results, const std::string& model, std::optional<int> limit)
{
    Json figures = perTask(results, [](const TaskResult& result) {
        Json entry{{"alias", result.task.name}};
        addMetric(entry, "acc", result.metrics.accuracy);
        if (result.task.normalised)
            addMetric(entry, "acc_norm", result.metrics.normalised);
        if (result.task.lastWord)
            entry["perplexity,none"] = numberOrText(result.metrics.perplexity);
        return entry;
    });
    Json groups = Json::object(), subtasks = Json::object();
    for (const TaskGroup& group : groupsOf(results)) {
        Json entry{{"alias", group.name}};
        addMetric(entry, "acc", group.accuracy);
        figures[group.name] = entry;
        groups[group.name] = entry;
        subtasks[group.name] = group.tasks;
    }
    Json out{
        {"results", figures},
        {"configs", perTask(results,
                            [](const TaskResult& result) {
                                return Json{{"task", result.task.name},
                                            {"dataset_path", result.task.file},
                                            {"dataset_sha256", result.fileDigest},
                                            {"split", result.task.split},
                                            {"output_type", result.task.lastWord ? "loglikelihood" : "multiple_choice"},
                                            {"num_fewshot", 0}};
                            })},
        {"versions", perTask(results,
                             [](const TaskResult& result) {
                                 return result.task.version ? Json(*result.task.version) : Json("Yaml");
                             })},
        {"n-shot", perTask(results, [](const TaskResult&) { return Json(0); })},
        {"higher_is_better", perTask(results,
                                     [](const TaskResult& result) {
                                         Json metrics{{"acc", true}};
                                         if (result.task.normalised)
                                             metrics["acc_norm"] = true;
                                         if (result.task.lastWord)
                                             metrics["perplexity"] = false;
                                         return metrics;
                                     })},
        {"n-samples", perTask(results,
                              [](const TaskResult& result) {
                                  return Json{{"effective", result.scores.size()},
                                              {"original", result.available > 0 ? Json(result.available) : Json()}};
                              })},
        {"config",
         {{"model", "shiftadd"},
          {"model_args", "pretrained=" + model + ",dtype=float32"},
          {"batch_size", 1},
          {"limit", limit ? Json(*limit) : Json()}}},
        {"model_source", "shiftadd"},
        {"model_name", model},
        {"shiftadd_version", buildVersion()},
        {"date", static_cast<std::int64_t>(std::time(nullptr))}};
    if (!groups.empty()) {
        out["groups"] = groups;
        out["group_subtasks"] = subtasks;
    }
    return out;
}

std::string harnessSamples(const TaskResult& result)
{
    std::string out;
    for (std::size_t i = 0; i < result.scores.size(); ++i) {
        const TaskItem& item = result.items[i];
        const ItemOutcome outcome = outcomeOf(result.task, item, result.scores[i]);
        Json arguments = Json::object(), responses = Json::array(), filtered = Json::array();
        for (std::size_t k = 0; k < item.continuations.size(); ++k) {
            arguments["gen_args_" + std::to_string(k)] = {{"arg_0", item.context}, {"arg_1", item.continuations[k]}};
            const Likelihood& score = result.scores[i][k];
            const Json response{numberOrText(score.logLikelihood), score.greedy == 1.0};
            responses.push_back({response});
            filtered.push_back(response);
        }
        Json line{{"doc_id", i},
                  {"target", result.task.lastWord ? Json(item.continuations.front()) : Json(item.answer)},
                  {"arguments", arguments},
                  {"resps", responses},
                  {"filtered_resps", filtered},
                  {"filter", "none"},
                  {"metrics", {"acc"}},
                  {"acc", outcome.right ? 1.0 : 0.0},
                  {"prompt_hash", sha256Of(item.context)}};
        if (result.task.normalised) {
            line["acc_norm"] = outcome.normalisedRight ? 1.0 : 0.0;
            line["metrics"].push_back("acc_norm");
        }
        out += json::dump(line) + "\n";
    }
    return out;
}

Result<void> writeHarnessFiles(const std::string& folder, const std::vector<TaskResult>& results,
                               const std::string& model, std::optional<int> limit)
{
    std::error_code failed;
    std::filesystem::create_directories(folder, failed);
    if (failed)
        return systemError(failed.value(), "create", folder);
    for (const TaskResult& result : results)
        SA_CHECK(writeFileAtomic(joinPath(folder, "samples_" + result.task.name + ".jsonl"), harnessSamples(result)));
    return writeFileAtomic(joinPath(folder, "results.json"), json::dumpPretty(harnessResults(results, model, limit)));
}

} // namespace sa
