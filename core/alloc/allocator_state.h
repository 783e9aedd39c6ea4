// SPDX-License-Identifier: GPL-3.0-or-later
// What an allocator knows: the choices of every linear with their costs, and the groups that take one width together.
#pragma once

#include "core/alloc/allocator.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace sa
{

struct Allocator::State {
    struct Option {
        int bits = 0;
        std::uint64_t bytes = 0;
        Figure cost;  ///< of the objective
        Figure error; ///< Choice::error
    };
    struct Linear {
        std::string name;
        LinearRule rule;
        std::vector<Option> options; ///< every choice, ascending bits
        Figure criterion;
        int entries = 1; ///< in the ranking of the sort-and-cut rule

        const Option* option(int bits) const;
    };
    struct Group {
        std::vector<std::size_t> members; ///< ascending index of linears
        std::vector<int> widths;          ///< ascending bits that all members may have and whose cost is known

        bool isFixed() const { return widths.size() == 1; }
        /// The width that is allowed and nearest to what a rule wants: it, the next above, else the next below.
        int nearest(int bits) const;
    };

    std::vector<Linear> linears;
    std::vector<Group> groups; ///< by their first member
    Objective objective = Objective::Damage;
    Provenance provenance = Provenance::Measured;
    std::uint64_t weights = 0;
    std::optional<Knapsack> knapsack;       ///< one class for a group, one option for a width
    std::vector<Allocation> uniform;        ///< pure ones, ascending bits
    std::vector<Allocation> uniformAllowed; ///< uniform as far as constraints allow, ascending wanted bits

    std::uint64_t bytesOf(const Group& group, int bits) const; ///< `bits` is a width of the group
    double costOf(const Group& group, int bits) const;
    void set(const Group& group, int bits, std::vector<int>& all) const;

    /// Bytes, cost and broken constraints of `bits`, all of them known choices; summed in the model's order.
    Allocation priced(Rule rule, std::vector<int> bits, std::uint64_t budget) const;
    Result<Allocation> evaluate(Rule rule, const std::vector<int>& bits) const;

    Error belowFloor(std::uint64_t budget, std::uint64_t floor, const std::string& message) const;
};

} // namespace sa
