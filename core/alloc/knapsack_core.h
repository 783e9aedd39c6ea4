// SPDX-License-Identifier: GPL-3.0-or-later
// Where the search for a knapsack's optimum happens: around the linear relaxation's solution, in the few classes whose
// change could pay.
#pragma once

#include "core/alloc/knapsack_prepared.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace sa
{

/// The relaxation's solution at a capacity, without the part of its split step; sizes and costs of the search count
/// from there.
struct Base {
    std::vector<int> option; ///< by class, index into WholeClass::options
    std::int64_t slack = 0;  ///< capacity that is left; 0: this is the optimum
    Rate worth;              ///< of the split step, the price of size

    static Base at(const Knapsack::Prepared& prepared, std::int64_t capacity);
    /// Some solution that changes this move costs less than `best`, as far as the relaxation can tell. (In it a move
    /// costs (cost + worth * size) >= 0 more than the bound, whatever the other classes do.)
    bool mayPay(std::int64_t size, std::int64_t cost, std::int64_t best) const;
};

struct Move {
    std::int64_t size = 0, cost = 0; ///< above the base's option
    int option = 0;                  ///< index into WholeClass::options
};

/// What a class, or all classes that are still to come, can do at best.
struct Outlook {
    std::optional<Rate> up;                ///< most cost saved per size by growing; none: nothing can grow
    std::optional<Rate> down;              ///< least cost paid per size by shrinking
    std::int64_t mostUp = 0, mostDown = 0; ///< sizes
};

struct CoreClass {
    int classIndex = 0;
    std::vector<Move> moves; ///< ascending size; one of them stays where the base is
    Outlook outlook;
};

struct Core {
    std::vector<CoreClass> classes; ///< in the order in which the search takes them in
    std::vector<Outlook> rest;      ///< rest[t]: the classes behind the t-th
};

/// Classes with a move that may pay. Alternately the one that gains most by growing and the one that loses least by
/// shrinking, so that what is left can change a state less and less.
Core findCore(const Knapsack::Prepared& prepared, const Base& base, std::int64_t best);

} // namespace sa
