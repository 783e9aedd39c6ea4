// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/eval/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sa
{

namespace
{

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// The regularised incomplete beta function by its continued fraction (Lentz), which converges fast for
/// x < (a+1)/(a+b+2); the other half follows from the symmetry.
double incompleteBeta(double a, double b, double x)
{
    if (x <= 0.0)
        return 0.0;
    if (x >= 1.0)
        return 1.0;
    if (x > (a + 1) / (a + b + 2))
        return 1.0 - incompleteBeta(b, a, 1.0 - x);
    constexpr double tiny = 1e-300;
    const auto nonZero = [](double value) { return std::abs(value) < tiny ? tiny : value; };
    double c = 1.0, d = 1.0 / nonZero(1.0 - (a + b) * x / (a + 1));
    double fraction = d;
    for (int m = 1; m < 500; ++m) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1.0 / nonZero(1.0 + even * d);
        c = nonZero(1.0 + even / c);
        fraction *= d * c;
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1.0 / nonZero(1.0 + odd * d);
        c = nonZero(1.0 + odd / c);
        fraction *= d * c;
        if (std::abs(d * c - 1.0) < 1e-15)
            break;
    }
    const double front =
        std::exp(a * std::log(x) + b * std::log1p(-x) + std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b));
    return front * fraction / a;
}

double studentCdf(double t, double n)
{
    const double tail = 0.5 * incompleteBeta(n / 2, 0.5, n / (n + t * t));
    return t > 0 ? 1.0 - tail : tail;
}

} // namespace

MeanEstimate MeanEstimate::of(std::span<const double> values)
{
    MeanEstimate out;
    out.count = static_cast<std::int64_t>(values.size());
    const auto n = static_cast<double>(values.size());
    double sum = 0.0;
    for (const double value : values)
        sum += value;
    out.mean = values.empty() ? kNan : sum / n;
    double squares = 0.0;
    for (const double value : values)
        squares += (value - out.mean) * (value - out.mean);
    out.standardError = values.size() < 2 ? kNan : std::sqrt(squares / (n - 1) / n);
    return out;
}

double MeanEstimate::halfWidth95() const
{
    return count < 2 ? kNan : studentQuantile(0.975, static_cast<double>(count - 1)) * standardError;
}

double studentQuantile(double probability, double degreesOfFreedom)
{
    if (probability < 0.5)
        return -studentQuantile(1.0 - probability, degreesOfFreedom);
    double low = 0.0, high = 1.0;
    while (studentCdf(high, degreesOfFreedom) < probability && high < 1e12)
        high *= 2;
    for (int i = 0; i < 200 && high - low > 1e-13 * high; ++i) {
        const double middle = 0.5 * (low + high);
        (studentCdf(middle, degreesOfFreedom) < probability ? low : high) = middle;
    }
    return 0.5 * (low + high);
}

double quantileOfSorted(std::span<const float> sorted, double p)
{
    if (sorted.empty())
        return kNan;
    const double place = std::clamp(p, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (place - static_cast<double>(below)) * (static_cast<double>(sorted[above]) - sorted[below]);
}

} // namespace sa
