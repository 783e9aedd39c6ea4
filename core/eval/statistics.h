// SPDX-License-Identifier: GPL-3.0-or-later
// Means with confidence intervals, and quantiles.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sa
{

/// NaN where it is not defined: the mean of nothing, the deviation of fewer than two values.
struct MeanEstimate {
    double mean = 0;
    double standardError = 0; ///< sample deviation (n-1) / sqrt(n)
    std::int64_t count = 0;

    static MeanEstimate of(std::span<const double> values);
    /// Half the width of the two-sided 95 % interval mean +- t(0.975, n-1) * standardError. Exact for independent
    /// normal values; for means of many windows a good approximation.
    double halfWidth95() const;
};

/// Quantile of Student's t distribution, 0 < probability < 1, degreesOfFreedom >= 1.
double studentQuantile(double probability, double degreesOfFreedom);

/// The quantile that numpy calls "linear": position p (n-1) in the sorted values, interpolated. NaN for nothing.
double quantileOfSorted(std::span<const float> sorted, double p);

} // namespace sa
