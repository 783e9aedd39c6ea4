// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/bcq.h"

#include "core/quant/normal_equations.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sa
{

BcqGrid makeGrid(std::span<const kernels::PackedScale> scales)
{
    BcqGrid grid;
    grid.planes = static_cast<int>(scales.size());
    std::copy(scales.begin(), scales.end(), grid.scales.begin());
    std::array<double, kMaxLevels> sums{};
    std::array<std::uint8_t, kMaxLevels> order{};
    for (int code = 0; code < grid.levelCount(); ++code) {
        for (int b = 0; b < grid.planes; ++b)
            sums[code] += ((code >> b) & 1 ? 1.0 : -1.0) * kernels::apotValue(scales[b]);
        order[code] = static_cast<std::uint8_t>(code);
    }
    std::stable_sort(order.begin(), order.begin() + grid.levelCount(),
                     [&](std::uint8_t a, std::uint8_t b) { return sums[a] < sums[b]; });
    for (int l = 0; l < grid.levelCount(); ++l) {
        grid.codes[l] = order[l];
        grid.levels[l] = static_cast<float>(sums[order[l]]);
        grid.m_midpoints[l] = l == 0 ? -std::numeric_limits<float>::infinity()
                                     : static_cast<float>(0.5 * (sums[order[l - 1]] + sums[order[l]]));
    }
    return grid;
}

BcqGrid BcqFitter::fit(std::span<const float> values, std::span<const float> weights, const BcqOptions& options,
                       double* error)
{
    const int q = options.planes;
    const std::size_t g = values.size();
    m_sorted.resize(g);
    for (std::size_t i = 0; i < g; ++i)
        m_sorted[i] = {values[i], weights.empty() ? 1.0f : weights[i]};
    std::sort(m_sorted.begin(), m_sorted.end(), [](const Entry& a, const Entry& b) {
        return a.value != b.value ? a.value < b.value : a.weight < b.weight;
    });
    m_counts.assign(g + 1, 0.0);
    m_sums.assign(g + 1, 0.0);
    double sumOfSquares = 0.0;
    for (std::size_t i = 0; i < g; ++i) {
        const double w = m_sorted[i].value, f = m_sorted[i].weight;
        m_counts[i + 1] = m_counts[i] + f;
        m_sums[i + 1] = m_sums[i] + f * w;
        sumOfSquares += f * w * w;
    }

    // Greedy start (1.2): each plane takes the signs of what is left, sign(0) = +1.
    NormalEquations equations;
    Scales alpha{};
    m_residual.resize(g);
    for (std::size_t i = 0; i < g; ++i)
        m_residual[i] = m_sorted[i].value;
    for (int b = 0; b < q; ++b) {
        double sum = 0.0;
        for (std::size_t i = 0; i < g; ++i)
            sum += static_cast<double>(m_sorted[i].weight) * std::abs(m_residual[i]);
        alpha[b] = g == 0 ? 0.0 : sum / m_counts[g];
        for (float& r : m_residual)
            r -= static_cast<float>(r >= 0.0f ? alpha[b] : -alpha[b]);
    }
    for (const auto& [value, weight] : m_sorted) {
        float rest = value;
        std::uint8_t code = 0;
        for (int b = 0; b < q; ++b) {
            const bool plus = rest >= 0.0f;
            code = static_cast<std::uint8_t>(code | (plus ? 1 << b : 0));
            rest -= static_cast<float>(plus ? alpha[b] : -alpha[b]);
        }
        equations.add(code, weight, static_cast<double>(weight) * value, q);
    }

    BcqGrid best;
    double bestError = std::numeric_limits<double>::infinity();
    std::array<kernels::PackedScale, kMaxPlanes> previous{};
    // The greedy scales themselves are round 0, so that T = 0 still yields power-of-two scales.
    for (int round = 0; round <= options.rounds; ++round) {
        if (round > 0)
            alpha = equations.solve(q);
        for (int b = 0; b < q; ++b)
            alpha[b] = std::abs(alpha[b]);
        sortDescending(alpha, q);
        std::array<kernels::PackedScale, kMaxPlanes> scales{};
        for (int b = 0; b < q; ++b) {
            scales[b] = kernels::apotRound(alpha[b], options.apotTerms);
            alpha[b] = kernels::apotValue(scales[b]);
        }
        if (round > 0 && scales == previous)
            break; // same scales, same codes, same equations: nothing moves any more
        previous = scales;

        const BcqGrid grid = makeGrid(std::span(scales.data(), static_cast<std::size_t>(q)));
        equations = {};
        std::size_t begin = 0;
        for (int l = 0; l < grid.levelCount(); ++l) {
            const auto border =
                l + 1 == grid.levelCount()
                    ? m_sorted.end()
                    : std::lower_bound(m_sorted.begin() + static_cast<std::ptrdiff_t>(begin), m_sorted.end(),
                                       grid.m_midpoints[l + 1],
                                       [](const Entry& entry, float limit) { return entry.value < limit; });
            const auto end = static_cast<std::size_t>(border - m_sorted.begin());
            equations.add(grid.codes[l], m_counts[end] - m_counts[begin], m_sums[end] - m_sums[begin], q);
            begin = end;
        }
        const double roundError = equations.residual(sumOfSquares, alpha, q);
        if (roundError < bestError) {
            bestError = roundError;
            best = grid;
        }
    }
    if (error)
        *error = std::max(0.0, bestError);
    return best;
}

} // namespace sa
