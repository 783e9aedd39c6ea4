// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/common/uniform_grid.h"

#include <algorithm>
#include <cmath>

namespace plugins
{

float UniformGrid::nearest(float w) const
{
    const float code = std::clamp(std::nearbyint(w / scale) + zero, 0.0f, top);
    return scale * (code - zero);
}

UniformGrid fitGrid(const float* values, std::int64_t count, int bits, bool symmetric)
{
    const auto [least, most] = std::minmax_element(values, values + count);
    float low = std::min(*least, 0.0f), high = std::max(*most, 0.0f);
    if (symmetric) {
        high = std::max(-low, high);
        low = -high;
    }
    UniformGrid grid;
    grid.top = static_cast<float>((1 << bits) - 1);
    const float scale = roundToHalf((high - low) / grid.top);
    grid.scale = scale > 0.0f ? scale : 1.0f; // all weights 0 (or too small for float16): any scale keeps them
    grid.zero = symmetric ? (grid.top + 1.0f) / 2.0f : std::clamp(std::nearbyint(-low / grid.scale), 0.0f, grid.top);
    return grid;
}

UniformGrids::UniformGrids(const float* weight, std::int64_t N, std::int64_t K, const GridOptions& options)
    : m_N(N)
    , m_K(K)
    , m_groupColumns(options.groupColumns > 0 ? std::min(options.groupColumns, K) : K)
    , m_groups((K + m_groupColumns - 1) / m_groupColumns)
    , m_options(options)
{
    m_grids.reserve(static_cast<std::size_t>(N * m_groups));
    for (std::int64_t n = 0; n < N; ++n)
        for (std::int64_t begin = 0; begin < K; begin += m_groupColumns)
            m_grids.push_back(
                fitGrid(weight + n * K + begin, std::min(m_groupColumns, K - begin), options.bits, options.symmetric));
}

std::uint64_t UniformGrids::storedBytes() const
{
    const std::int64_t grids = m_N * m_groups;
    return packedBytes(m_N * m_K, m_options.bits) + 2 * static_cast<std::uint64_t>(grids) +
           (m_options.symmetric ? 0 : packedBytes(grids, m_options.bits));
}

} // namespace plugins
