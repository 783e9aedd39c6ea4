// SPDX-License-Identifier: GPL-3.0-or-later
// Accuracies of a task from the log-likelihoods of its continuations.
#pragma once

#include "core/eval/likelihood.h"
#include "core/eval/statistics.h"
#include "core/eval/task_items.h"

namespace sa
{

/// What was made of one item.
struct ItemOutcome {
    int choice = 0, normalisedChoice = 0; ///< the first of the best, as numpy's argmax has it
    bool right = false, normalisedRight = false;
};
/// `scores`: one of each continuation. The normalised score divides by the choice's characters.
ItemOutcome outcomeOf(const Task& task, const TaskItem& item, const std::vector<Likelihood>& scores);

struct TaskMetrics {
    MeanEstimate accuracy, normalised; ///< standard error: sample deviation / sqrt(n), as the harness has it
    double perplexity = 0;             ///< of the last words (LAMBADA): exp(-mean log-likelihood); otherwise 0
};
TaskMetrics metricsOf(const Task& task, const std::vector<TaskItem>& items,
                      const std::vector<std::vector<Likelihood>>& scores);

/// Of several tasks as one, each item counting the same; the standard error is pooled as the harness does.
MeanEstimate pooled(const std::vector<MeanEstimate>& parts);

} // namespace sa
