// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/eval/task_metrics.h"

#include <cmath>

namespace sa
{

ItemOutcome outcomeOf(const Task& task, const TaskItem& item, const std::vector<Likelihood>& scores)
{
    ItemOutcome out;
    if (task.lastWord) {
        out.right = out.normalisedRight = scores.front().greedy == 1.0;
        return out;
    }
    const auto normalised = [&](int i) {
        const auto at = static_cast<std::size_t>(i);
        return scores[at].logLikelihood / item.lengths[at];
    };
    for (int i = 1; i < static_cast<int>(scores.size()); ++i) {
        if (scores[static_cast<std::size_t>(i)].logLikelihood >
            scores[static_cast<std::size_t>(out.choice)].logLikelihood)
            out.choice = i;
        if (normalised(i) > normalised(out.normalisedChoice))
            out.normalisedChoice = i;
    }
    out.right = out.choice == item.answer;
    out.normalisedRight = out.normalisedChoice == item.answer;
    return out;
}

TaskMetrics metricsOf(const Task& task, const std::vector<TaskItem>& items,
                      const std::vector<std::vector<Likelihood>>& scores)
{
    std::vector<double> right, normalised;
    double sum = 0.0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        const ItemOutcome outcome = outcomeOf(task, items[i], scores[i]);
        right.push_back(outcome.right ? 1.0 : 0.0);
        normalised.push_back(outcome.normalisedRight ? 1.0 : 0.0);
        sum += scores[i].front().logLikelihood;
    }
    TaskMetrics out;
    out.accuracy = MeanEstimate::of(right);
    out.normalised = MeanEstimate::of(normalised);
    if (task.lastWord)
        out.perplexity = std::exp(-sum / static_cast<double>(scores.size()));
    return out;
}

MeanEstimate pooled(const std::vector<MeanEstimate>& parts)
{
    MeanEstimate out;
    double squares = 0.0;
    for (const MeanEstimate& part : parts) {
        const auto n = static_cast<double>(part.count);
        out.count += part.count;
        out.mean += part.mean * n;
        squares += (n - 1) * part.standardError * part.standardError * n;
    }
    const auto n = static_cast<double>(out.count);
    out.mean /= n;
    out.standardError = std::sqrt(squares / (n - static_cast<double>(parts.size())) / n);
    return out;
}

} // namespace sa
