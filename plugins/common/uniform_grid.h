// SPDX-License-Identifier: GPL-3.0-or-later
// The uniform grid of a group of weights, from their smallest and largest value: w^ = scale (code - zero), code in
// 0 .. 2^bits - 1. The range always holds 0, so that a zero weight stays one (as the reference implementations of OPTQ
// and AWQ do).
#pragma once

#include "plugins/common/linalg.h"

namespace plugins
{

struct UniformGrid {
    float scale = 1.0f; ///< a float16 value
    float zero = 0.0f;  ///< a code
    float top = 0.0f;   ///< the largest code

    float nearest(float w) const;
};

struct GridOptions {
    int bits = 4;
    bool symmetric = false;        ///< the range is [-m, m] and the zero point is its middle, which need not be stored
    std::int64_t groupColumns = 0; ///< 0, or more than there are: one grid for a whole row
};

/// Of one group.
UniformGrid fitGrid(const float* values, std::int64_t count, int bits, bool symmetric);

/// The grids of an [N][K] matrix: one per row and group of columns.
class UniformGrids
{
public:
    UniformGrids(const float* weight, std::int64_t N, std::int64_t K, const GridOptions& options);
    const UniformGrid& at(std::int64_t row, std::int64_t column) const
    {
        return m_grids[static_cast<std::size_t>(row * m_groups + column / m_groupColumns)];
    }
    /// Codes packed at `bits`, a float16 scale per grid, and a zero point of `bits` bits per grid unless symmetric.
    std::uint64_t storedBytes() const;

private:
    std::int64_t m_N, m_K, m_groupColumns, m_groups;
    GridOptions m_options;
    std::vector<UniformGrid> m_grids;
};

} // namespace plugins
