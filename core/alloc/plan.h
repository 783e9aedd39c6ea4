// SPDX-License-Identifier: GPL-3.0-or-later
// An allocation as a small JSON file: which linear gets how many bits, what that was decided from, and what it is
// expected to cost. docs/FORMAT.md ("Plan file") describes it. Same inputs, same bytes.
#pragma once

#include "core/alloc/allocator.h"

#include <cstdint>
#include <map>
#include <string>

namespace sa
{

struct Plan {
    static constexpr int kVersion = 1;

    Sensitivity::Model model;
    std::string sensitivitySha256;  ///< identityOf(); empty: not made from an analysis (written by hand)
    Json settings = Json::object(); ///< the quantizer's, that bytes and figures are true for
    Rule rule = Rule::Manual;
    Objective objective = Objective::Damage;
    Provenance provenance = Provenance::Missing;
    Constraints constraints;
    std::map<std::string, int> bits; ///< linear name -> 1..4 or kKeptBits; every linear of the model
    std::uint64_t weights = 0;       ///< of the linears
    std::uint64_t budgetBytes = 0;   ///< of the linears; 0: the rule had none
    std::uint64_t bytes = 0;         ///< of the linears
    std::uint64_t otherBytes = 0;
    double cost = 0;       ///< predicted, in units of the objective
    double lowerBound = 0; ///< for Rule::Optimal
    double gap = 0;

    double bitsPerWeight() const
    {
        return weights == 0 ? 0 : 8.0 * static_cast<double>(bytes) / static_cast<double>(weights);
    }
};

Plan makePlan(const Sensitivity& sensitivity, const Constraints& constraints, const Allocator& allocator,
              const Allocation& allocation);

Json toJson(const Plan& plan);
/// Strict, as sensitivityFromJson.
Result<Plan> planFromJson(const JsonField& field);
Result<Plan> readPlan(const std::string& path);
Result<void> writePlan(const std::string& path, const Plan& plan);

} // namespace sa
