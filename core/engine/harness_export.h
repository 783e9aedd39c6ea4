// SPDX-License-Identifier: GPL-3.0-or-later
// Results of zero-shot tasks as lm-evaluation-harness writes them: results.json, and samples_TASK.jsonl with every
// item.
#pragma once

#include "core/base/json.h"
#include "core/eval/task_metrics.h"

#include <string>
#include <vector>

namespace sa
{

struct TaskResult {
    Task task;
    std::vector<TaskItem> items;
    std::vector<std::vector<Likelihood>> scores; ///< of each item's continuations
    TaskMetrics metrics;
    std::int64_t available = 0; ///< items of the whole file; 0 where only the first were read
    std::string fileDigest;
};
/// A set of tasks as one, each item counting the same.
struct TaskGroup {
    std::string name;
    MeanEstimate accuracy;
    std::vector<std::string> tasks;
};
/// "mmlu" and its four groups, as far as their subjects are there: all of them are needed.
std::vector<TaskGroup> groupsOf(const std::vector<TaskResult>& results);

/// The harness's results object. `model`: the folder.
Json harnessResults(const std::vector<TaskResult>& results, const std::string& model, std::optional<int> limit);
/// One object a line, an item each.
std::string harnessSamples(const TaskResult& result);
/// Both into `folder`, which is created; each file whole or not at all.
Result<void> writeHarnessFiles(const std::string& folder, const std::vector<TaskResult>& results,
                               const std::string& model, std::optional<int> limit);

} // namespace sa
