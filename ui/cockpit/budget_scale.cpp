// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/budget_scale.h"

#include <algorithm>
#include <cmath>

namespace sa::ui
{

namespace
{

constexpr double kWideStep = 1.6; // bits a weight: wider steps get the room of
constexpr double kWideRoom = 0.7; // this many

double roomFor(double bitsPerWeight)
{
    return bitsPerWeight > kWideStep ? kWideRoom : std::min(1.0, bitsPerWeight);
}

} // namespace

BudgetScale::BudgetScale(std::uint64_t floor, std::uint64_t ceiling, const std::vector<BudgetTick>& ticks,
                         std::uint64_t weights)
{
    std::vector<std::uint64_t> bytes{floor, std::max(floor, ceiling)};
    for (const BudgetTick& tick : ticks)
        if (tick.bytes >= floor && tick.bytes <= ceiling) {
            m_ticks.push_back(tick);
            bytes.push_back(tick.bytes);
        }
    std::sort(bytes.begin(), bytes.end());
    bytes.erase(std::unique(bytes.begin(), bytes.end()), bytes.end());
    double place = 0;
    m_knots.push_back({0, bytes.front()});
    for (std::size_t i = 1; i < bytes.size(); ++i) {
        place += roomFor(8.0 * static_cast<double>(bytes[i] - bytes[i - 1]) /
                         static_cast<double>(std::max<std::uint64_t>(1, weights)));
        m_knots.push_back({place, bytes[i]});
    }
    for (Knot& knot : m_knots)
        knot.place = place > 0 ? knot.place / place : 0;
}

double BudgetScale::placeOf(std::uint64_t bytes) const
{
    if (isEmpty() || bytes <= m_knots.front().bytes)
        return 0;
    const auto above = std::lower_bound(m_knots.begin(), m_knots.end(), bytes,
                                        [](const Knot& knot, std::uint64_t value) { return knot.bytes < value; });
    if (above == m_knots.end())
        return 1;
    const Knot& high = *above;
    const Knot& low = *(above - 1);
    const double share = static_cast<double>(bytes - low.bytes) / static_cast<double>(high.bytes - low.bytes);
    return low.place + (high.place - low.place) * share;
}

std::uint64_t BudgetScale::bytesAt(double place) const
{
    if (m_knots.empty())
        return 0;
    if (isEmpty() || !(place > 0))
        return m_knots.front().bytes;
    const auto above = std::lower_bound(m_knots.begin(), m_knots.end(), place,
                                        [](const Knot& knot, double value) { return knot.place < value; });
    if (above == m_knots.end())
        return m_knots.back().bytes;
    const Knot& high = *above;
    const Knot& low = *(above - 1);
    const double share = high.place > low.place ? (place - low.place) / (high.place - low.place) : 1;
    return low.bytes + static_cast<std::uint64_t>(std::llround(share * static_cast<double>(high.bytes - low.bytes)));
}

} // namespace sa::ui
