// SPDX-License-Identifier: GPL-3.0-or-later
// Places along the budget slider. Uniform plans stand about evenly apart, and between them bytes grow straight: the way
// from 4 bits to keeping everything is long and of little interest, so it gets less room than its bytes would take.
#pragma once

#include <QString>

#include <cstdint>
#include <vector>

namespace sa::ui
{

struct BudgetTick {
    std::uint64_t bytes = 0;
    QString name; ///< "3 bits"
};

class BudgetScale
{
public:
    BudgetScale() = default;
    /// `ticks` outside of floor and ceiling are left out; `weights`: of all linears, for the width of the steps.
    BudgetScale(std::uint64_t floor, std::uint64_t ceiling, const std::vector<BudgetTick>& ticks,
                std::uint64_t weights);

    bool isEmpty() const { return m_knots.size() < 2; }
    /// 0 at the floor, 1 at the ceiling; clamped.
    double placeOf(std::uint64_t bytes) const;
    std::uint64_t bytesAt(double place) const;
    const std::vector<BudgetTick>& ticks() const { return m_ticks; }
    std::uint64_t floor() const { return m_knots.empty() ? 0 : m_knots.front().bytes; }
    std::uint64_t ceiling() const { return m_knots.empty() ? 0 : m_knots.back().bytes; }

private:
    struct Knot {
        double place;
        std::uint64_t bytes;
    };
    std::vector<Knot> m_knots;
    std::vector<BudgetTick> m_ticks;
};

} // namespace sa::ui
