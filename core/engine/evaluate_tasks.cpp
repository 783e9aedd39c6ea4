// SPDX-License-Identifier: GPL-3.0-or-later
// Zero-shot tasks (docs/evaluation.md).
#include "core/base/file.h"
#include "core/base/parallel.h"
#include "core/base/sha256.h"
#include "core/engine/evaluation.h"
#include "core/engine/harness_export.h"
#include "core/engine/progress.h"

#include <cmath>
#include <cstring>
#include <mutex>

namespace sa
{

namespace
{

constexpr std::size_t kItemsPerChunk = 32;

class TaskRun
{
public:
    TaskRun(const EvaluateSpec& spec, EvaluatedModel& model, const JobContext& context)
        : m_spec(spec)
        , m_model(model)
        , m_context(context)
    {
    }

    /// Scores of all items, in the order of the file.
    Result<void> score(TaskResult& result, ProgressMeter& meter, double& done)
    {
        const ChunkCache kept(cacheFolder(m_spec), "task",
                              {{"what", "log-likelihoods of " + result.task.name},
                               {"model", m_model.identity()},
                               {"items_sha256", result.fileDigest},
                               {"items_per_chunk", kItemsPerChunk},
                               {"device", arithmeticOf(m_spec)},
                               {"format", kEvaluationFormat}});
        for (std::size_t begin = 0; begin < result.items.size(); begin += kItemsPerChunk) {
            SA_CHECK(m_context.cancel.check());
            meter.update(done, stepOf(result));
            const std::size_t end = std::min(result.items.size(), begin + kItemsPerChunk);
            const int chunk = static_cast<int>(begin / kItemsPerChunk);
            if (!restore(kept, chunk, result, end)) {
                SA_CHECK(compute(result, end));
                SA_CHECK(keep(kept, chunk, result, begin));
                m_computed += static_cast<std::int64_t>(end - begin);
            }
            done += static_cast<double>(end - begin);
        }
        return {};
    }
    std::int64_t computed() const { return m_computed; }

private:
    /// "arc_easy: 31.2 %": what is known so far.
    static std::string stepOf(const TaskResult& result)
    {
        if (result.scores.empty())
            return result.task.name;
        const double accuracy = metricsOf(result.task, result.items, result.scores).accuracy.mean;
        char text[32];
        std::snprintf(text, sizeof text, ": %.1f %%", 100 * accuracy);
        return result.task.name + text;
    }

    /// Appends the scores of items up to `end` from a chunk, which may hold more than are asked for.
    static bool restore(const ChunkCache& kept, int chunk, TaskResult& result, std::size_t end)
    {
        constexpr std::uint64_t kMostBytes = kItemsPerChunk * 100 * sizeof(Likelihood);
        const auto bytes = kept.read(chunk, kMostBytes);
        std::size_t needed = 0;
        for (std::size_t i = result.scores.size(); i < end; ++i)
            needed += result.items[i].continuations.size() * sizeof(Likelihood);
        if (!bytes || bytes->size() < needed)
            return false;
        const char* at = bytes->data();
        for (std::size_t i = result.scores.size(); i < end; ++i) {
            std::vector<Likelihood> scores(result.items[i].continuations.size());
            std::memcpy(scores.data(), at, scores.size() * sizeof(Likelihood));
            at += scores.size() * sizeof(Likelihood);
            result.scores.push_back(std::move(scores));
        }
        return true;
    }

    static Result<void> keep(const ChunkCache& kept, int chunk, const TaskResult& result, std::size_t begin)
    {
        std::string bytes;
        for (std::size_t i = begin; i < result.scores.size(); ++i)
            bytes.append(reinterpret_cast<const char*>(result.scores[i].data()),
                         result.scores[i].size() * sizeof(Likelihood));
        return kept.write(chunk, bytes);
    }

    Result<void> compute(TaskResult& result, std::size_t end)
    {
        SA_TRY(const Decoder* decoder, m_model.decoder());
        const std::size_t begin = result.scores.size();
        std::vector<std::vector<Continuation>> encoded;
        for (std::size_t i = begin; i < end; ++i) {
            std::vector<Continuation> continuations;
            for (const std::string& text : result.items[i].continuations) {
                auto one = encodeContinuation(m_model.tokenizer(), m_model.config(), result.items[i].context, text);
                if (!one)
                    return std::move(one).error().in(result.task.file).at("item " + std::to_string(i + 1));
                continuations.push_back(*std::move(one));
            }
            encoded.push_back(std::move(continuations));
        }
        std::vector<std::vector<Likelihood>> made(encoded.size());
        parallelFor(static_cast<std::int64_t>(encoded.size()), [&](std::int64_t i) {
            if (!m_context.cancel.cancelled())
                made[static_cast<std::size_t>(i)] = likelihoods(*decoder, encoded[static_cast<std::size_t>(i)]);
        });
        SA_CHECK(m_context.cancel.check());
        for (auto& scores : made)
            result.scores.push_back(std::move(scores));
        return {};
    }

    const EvaluateSpec& m_spec;
    EvaluatedModel& m_model;
    const JobContext& m_context;
    std::int64_t m_computed = 0;
};

Json estimateJson(const MeanEstimate& estimate)
{
    return {{"value", finiteOrNull(estimate.mean)}, {"stderr", finiteOrNull(estimate.standardError)}};
}

Json taskJson(const TaskResult& result)
{
    Json out{{"task", result.task.name},
             {"items", result.scores.size()},
             {"accuracy", estimateJson(result.metrics.accuracy)},
             {"accuracy_norm", result.task.lastWord ? Json() : estimateJson(result.metrics.normalised)},
             {"file", result.task.file},
             {"sha256", result.fileDigest}};
    if (result.task.lastWord)
        out["perplexity"] = finiteOrNull(result.metrics.perplexity);
    return out;
}

} // namespace

Result<Json> evaluateTasks(const EvaluateSpec& spec, EvaluatedModel& model, const JobContext& context)
{
    SA_TRY(const std::vector<Task> tasks, selectTasks(spec.tasks));
    SA_TRY(const std::string folder, taskDataFolder(spec.data, tasks.front().file));
    // All files first: what is missing is said before anything is computed.
    std::vector<TaskResult> results;
    double items = 0;
    for (const Task& task : tasks) {
        SA_TRY(auto read, task.read(folder, spec.limit));
        TaskResult result;
        result.task = task;
        result.items = std::move(read);
        result.available = spec.limit ? 0 : static_cast<std::int64_t>(result.items.size());
        SA_TRY(result.fileDigest, task.digest(folder, context.cancel));
        items += static_cast<double>(result.items.size());
        results.push_back(std::move(result));
    }
    const Stopwatch watch;
    ProgressMeter meter(context.emit, "evaluate", "items", items);
    TaskRun run(spec, model, context);
    double done = 0;
    for (TaskResult& result : results) {
        SA_CHECK(run.score(result, meter, done));
        result.metrics = metricsOf(result.task, result.items, result.scores);
    }
    meter.update(done);
    if (!spec.harness.empty())
        SA_CHECK(writeHarnessFiles(spec.harness, results, spec.model, spec.limit));
    Json out{{"tasks", Json::array()}, {"task_groups", Json::array()}};
    for (const TaskResult& result : results)
        out["tasks"].push_back(taskJson(result));
    for (const TaskGroup& group : groupsOf(results))
        out["task_groups"].push_back(
            {{"group", group.name}, {"items", group.accuracy.count}, {"accuracy", estimateJson(group.accuracy)}});
    out["cached_items"] = static_cast<std::int64_t>(items) - run.computed();
    out["task_seconds"] = watch.seconds();
    return out;
}

} // namespace sa
