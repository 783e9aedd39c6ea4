// SPDX-License-Identifier: GPL-3.0-or-later
// The multiple-choice knapsack, solved to proven optimality: take one option of every class so that the bytes fit a
// budget and the costs sum to the least.
//
//   minimise sum_i cost[i][x_i]   subject to   sum_i bytes[i][x_i] <= budget
//
// What does not depend on the budget is prepared once; solve() is const, reentrant and deterministic. Method and
// limits: docs/decisions/0013-exact-allocation.md.
#pragma once

#include "core/base/result.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace sa
{

struct KnapsackOption {
    std::uint64_t bytes = 0;
    double cost = 0; ///< finite; may be negative
};

struct KnapsackSolution {
    std::vector<int> choice; ///< option of every class, as an index into what create() was given
    std::uint64_t bytes = 0;
    double cost = 0;       ///< summed in the order of the classes
    double lowerBound = 0; ///< no solution costs less; `cost` itself once that is proven
    double gap = 0;        ///< cost - lowerBound: 0 unless the search was cut short
};

/// A corner of the lower convex hull of all (bytes, cost): an optimum at exactly its own bytes.
struct KnapsackPoint {
    std::uint64_t bytes = 0;
    double cost = 0;
};

class Knapsack
{
public:
    /// States that a search may keep before it gives up proving (about 100 MB); real instances take thousands.
    static constexpr std::size_t kDefaultStateLimit = std::size_t{1} << 22;

    /// BadInput: a class without options, a cost that is not finite, bytes that sum to more than 2^60; `where` is the
    /// number of the class.
    static Result<Knapsack> create(const std::vector<std::vector<KnapsackOption>>& classes,
                                   std::size_t stateLimit = kDefaultStateLimit);
    Knapsack(Knapsack&&) noexcept;
    Knapsack& operator=(Knapsack&&) noexcept;
    ~Knapsack();

    std::uint64_t minBytes() const; ///< below it nothing fits
    std::uint64_t maxBytes() const; ///< of the cheapest solution of all: more than it is of no use

    /// Among equal costs, a solution that does not depend on anything but the classes and the budget. BadInput below
    /// minBytes().
    Result<KnapsackSolution> solve(std::uint64_t budget) const;

    /// All corners, ascending bytes, descending cost: from minBytes() to maxBytes().
    std::vector<KnapsackPoint> hull() const;

    struct Prepared; ///< core/alloc/knapsack_prepared.h

private:
    explicit Knapsack(std::unique_ptr<const Prepared> prepared);
    std::unique_ptr<const Prepared> m_prepared;
};

} // namespace sa
