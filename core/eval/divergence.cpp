// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/eval/divergence.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace sa
{

namespace
{

/// Mean of `value` in each window, in float64.
std::vector<double> windowMeans(std::span<const TokenScore> scores, int windowLength,
                                const std::function<double(const TokenScore&)>& value)
{
    const auto length = static_cast<std::size_t>(windowLength - 1);
    std::vector<double> means;
    for (std::size_t begin = 0; begin + length <= scores.size(); begin += length) {
        double sum = 0.0;
        for (const TokenScore& score : scores.subspan(begin, length))
            sum += value(score);
        means.push_back(sum / static_cast<double>(length));
    }
    return means;
}

Interval around(const MeanEstimate& estimate)
{
    const double half = estimate.halfWidth95();
    return {estimate.mean, estimate.mean - half, estimate.mean + half};
}

Interval exponential(const Interval& interval)
{
    return {std::exp(interval.value), std::exp(interval.low), std::exp(interval.high)};
}

std::vector<DivergenceBucket> bucketsOf(std::span<const TokenScore> scores, std::span<const double> edges,
                                        float TokenScore::*key)
{
    std::vector<DivergenceBucket> buckets;
    for (std::size_t i = 0; i + 1 < edges.size(); ++i)
        buckets.push_back({edges[i], edges[i + 1]});
    for (const TokenScore& score : scores) {
        const double at = score.*key;
        if (!(at >= edges.front() && at <= edges.back()))
            continue;
        const auto above = std::upper_bound(edges.begin(), edges.end(), at) - edges.begin();
        auto& bucket = buckets[std::min(static_cast<std::size_t>(above) - 1, buckets.size() - 1)];
        ++bucket.tokens;
        bucket.mean += score.divergence;
        bucket.agreement += score.agrees;
    }
    for (auto& bucket : buckets) { // 0/0 is the NaN that is wanted
        bucket.mean /= static_cast<double>(bucket.tokens);
        bucket.agreement /= static_cast<double>(bucket.tokens);
    }
    return buckets;
}

} // namespace

Interval perplexityOf(std::span<const TokenScore> scores, int windowLength)
{
    const auto losses = windowMeans(scores, windowLength, [](const TokenScore& score) { return score.loss; });
    return exponential(around(MeanEstimate::of(losses)));
}

Divergence divergenceOf(std::span<const TokenScore> scores, int windowLength)
{
    const auto intervalOf = [&](const std::function<double(const TokenScore&)>& value) {
        return around(MeanEstimate::of(windowMeans(scores, windowLength, value)));
    };
    Divergence out;
    out.tokens = static_cast<std::int64_t>(scores.size());
    out.windows = out.tokens / (windowLength - 1);
    out.mean = intervalOf([](const TokenScore& s) { return s.divergence; });
    out.agreement = intervalOf([](const TokenScore& s) { return s.agrees; });
    out.ratio = exponential(intervalOf([](const TokenScore& s) { return double(s.loss) - double(s.referenceLoss); }));
    out.referencePerplexity = exponential(intervalOf([](const TokenScore& s) { return s.referenceLoss; })).value;

    std::vector<float> sorted;
    sorted.reserve(scores.size());
    double sum = 0.0, squares = 0.0;
    for (const TokenScore& score : scores) {
        sorted.push_back(score.divergence);
        const double delta = std::exp(-double(score.loss)) - std::exp(-double(score.referenceLoss));
        sum += delta;
        squares += delta * delta;
    }
    out.deltaMean = sum / static_cast<double>(scores.size());
    out.deltaRms = std::sqrt(squares / static_cast<double>(scores.size()));
    // A model that is broken has NaN here and there, and then no order.
    if (std::all_of(sorted.begin(), sorted.end(), [](float value) { return !std::isnan(value); }))
        std::sort(sorted.begin(), sorted.end());
    else
        std::fill(sorted.begin(), sorted.end(), TokenScore::kNone);
    out.median = quantileOfSorted(sorted, 0.5);
    out.p90 = quantileOfSorted(sorted, 0.9);
    out.p99 = quantileOfSorted(sorted, 0.99);
    out.p999 = quantileOfSorted(sorted, 0.999);
    out.max = quantileOfSorted(sorted, 1.0);

    constexpr double confidence[] = {0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0};
    constexpr double decades[] = {0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 1e4};
    out.byConfidence = bucketsOf(scores, confidence, &TokenScore::confidence);
    out.histogram = bucketsOf(scores, decades, &TokenScore::divergence);
    return out;
}

} // namespace sa
