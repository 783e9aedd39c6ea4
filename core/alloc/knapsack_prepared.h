// SPDX-License-Identifier: GPL-3.0-or-later
// The part of a knapsack that does not depend on the budget: whole numbers, options that can be in an optimum, and the
// steps of the linear relaxation in the order of their worth.
#pragma once

#include "core/alloc/knapsack.h"

#include <cstdint>
#include <vector>

namespace sa
{

__extension__ typedef __int128 Int128; ///< products of two of our 60-bit numbers

inline Int128 times(std::int64_t a, std::int64_t b)
{
    return static_cast<Int128>(a) * b;
}

/// A quotient of whole numbers, den > 0, compared without rounding.
struct Rate {
    std::int64_t num = 0, den = 1;

    friend bool operator<(const Rate& a, const Rate& b) { return times(a.num, b.den) < times(b.num, a.den); }
};

/// `size` counts in units of Prepared::unitBytes above the smallest option of the class, `cost` in units of
/// Prepared::unitCost above the cheapest. Both sum to less than 2^61 over all classes.
struct WholeOption {
    std::int64_t size = 0, cost = 0;
    int original = 0; ///< index in what the caller gave
};

struct WholeClass {
    std::vector<WholeOption> options; ///< ascending size, strictly descending cost: no other can be of use
    std::vector<int> hull;            ///< those on the lower convex hull, by index into `options`; first and last are
};

/// One edge of a class's hull: from hull[level] to hull[level + 1].
struct Step {
    std::int64_t size = 0, gain = 0; ///< both > 0
    int classIndex = 0, level = 0;

    Rate worth() const { return {gain, size}; }
};

struct Knapsack::Prepared {
    std::vector<std::vector<KnapsackOption>> given;
    std::vector<WholeClass> classes;
    std::vector<Step> steps;                          ///< descending worth; ties by class
    std::vector<std::int64_t> sizeBefore, gainBefore; ///< sums of the first k steps, k = 0..steps
    std::uint64_t minBytes = 0;
    std::int64_t unitBytes = 1; ///< greatest common divisor of all differences
    double unitCost = 1;        ///< a power of two
    std::int64_t firstCost = 0; ///< with every class at its smallest option
    double cheapest = 0;        ///< what a whole cost of 0 stands for
    std::size_t stateLimit = 0;

    std::int64_t fullSize() const { return sizeBefore.back(); }
};

} // namespace sa
