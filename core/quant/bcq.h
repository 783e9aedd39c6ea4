// SPDX-License-Identifier: GPL-3.0-or-later
// Binary-coding quantization of one group with power-of-two scales (algorithm 1 and 2; ShiftAddLLM section 4.1):
//     minimise ||w - sum_{b<q} alpha_b s_b||^2,  s_b in {-1,+1}^g,  alpha_b = 2^e1 +- 2^e2 +- 2^e3
// by the paper's alternation (least squares, rounding, nearest level), computed exactly on the sorted group: the codes
// are piecewise constant in w with at most 2^q pieces, so a round costs O(2^q (log g + q^2)) instead of O(g q^2).
#pragma once

#include "sa/kernels/apot.h"
#include "sa/kernels/host_device.h"

#include <array>
#include <span>
#include <vector>

namespace sa
{

inline constexpr int kMaxPlanes = 4;
inline constexpr int kMaxLevels = 1 << kMaxPlanes;

struct BcqOptions {
    int planes = 3;    ///< q, 1..4
    int rounds = 50;   ///< T; the alternation stops earlier once the rounded scales repeat
    int apotTerms = 3; ///< 1..3
};

/// Scales and the 2^q levels they span, ascending. `codes[l]` has bit b set where plane b of level l is +1.
struct BcqGrid {
    int planes = 0;
    std::array<kernels::PackedScale, kMaxPlanes> scales{}; ///< descending
    std::array<float, kMaxLevels> levels{};
    std::array<std::uint8_t, kMaxLevels> codes{};

    SA_HOST_DEVICE int levelCount() const { return 1 << planes; }
    /// Index of the nearest level; a tie goes to the upper one.
    SA_HOST_DEVICE int nearest(float w) const noexcept
    {
        int index = 0;
        for (int l = 1; l < levelCount(); ++l)
            index += w >= m_midpoints[l] ? 1 : 0;
        return index;
    }

    std::array<float, kMaxLevels> m_midpoints{}; ///< [l]: border between levels l-1 and l
};

BcqGrid makeGrid(std::span<const kernels::PackedScale> scales);

/// Fits one group and keeps the best scales seen (the paper keeps the last). Reusable buffers: one object per thread.
class BcqFitter
{
public:
    /// `values`: the group, any order, finite. `weights`: one positive factor on the squared error of every value, or
    /// empty for 1. `error` (may be null) receives the weighted squared error of the returned grid.
    BcqGrid fit(std::span<const float> values, std::span<const float> weights, const BcqOptions& options,
                double* error = nullptr);

private:
    struct Entry {
        float value, weight;
    };
    std::vector<Entry> m_sorted;
    std::vector<double> m_counts, m_sums; ///< prefix sums of weight and weight * value over the sorted group
    std::vector<float> m_residual;
};

} // namespace sa
