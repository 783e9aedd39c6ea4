// SPDX-License-Identifier: GPL-3.0-or-later
// Figures of a text from the scores of its tokens: perplexity, and how far a model is from its original.
//
// The unit of sampling is the window: its tokens depend on each other, windows hardly do. Intervals are two-sided 95 %
// intervals of a mean over windows (MeanEstimate); that of a perplexity is the exponential of the interval of the mean
// loss, that of a ratio of perplexities the exponential of the interval of the paired difference.
#pragma once

#include "core/eval/statistics.h"
#include "core/eval/token_scores.h"

namespace sa
{

/// A figure with its interval; NaN where fewer than two windows were scored, or a value is not finite.
struct Interval {
    double value = 0, low = 0, high = 0;
};

struct DivergenceBucket {
    double from = 0, to = 0; ///< [from, to); the last one includes its end
    std::int64_t tokens = 0;
    double mean = 0;      ///< KL of its tokens; NaN for none
    double agreement = 0; ///< share of equal first choices
};

struct Divergence {
    Interval mean; ///< nats per token
    double median = 0, p90 = 0, p99 = 0, p999 = 0, max = 0;
    Interval agreement; ///< share of tokens with the same first choice ("same top p" elsewhere)
    Interval ratio;     ///< perplexity over the original's
    double referencePerplexity = 0;
    double deltaMean = 0, deltaRms = 0;         ///< of q(token) - p(token)
    std::vector<DivergenceBucket> byConfidence; ///< by max p: where the original was sure, and where it was not
    std::vector<DivergenceBucket> histogram;    ///< by the KL itself, decades
    std::int64_t tokens = 0, windows = 0;
};

/// Scores are those of all windows, one after the other, each of `windowLength` - 1.
Interval perplexityOf(std::span<const TokenScore> scores, int windowLength);
Divergence divergenceOf(std::span<const TokenScore> scores, int windowLength);

} // namespace sa
