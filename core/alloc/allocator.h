// SPDX-License-Identifier: GPL-3.0-or-later
// Bits for every linear layer under a budget of stored bytes. Built once for a sensitivity and its constraints; every
// question after that is const, reentrant and quick enough for a slider. Same inputs, same answer, to the bit.
//
// Bytes here are those of the linears (Choice::bytes). Add Sensitivity::otherBytes for what a file takes.
#pragma once

#include "core/alloc/constraints.h"
#include "core/alloc/knapsack.h"
#include "core/alloc/sensitivity.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sa
{

/// What a plan's cost is the sum of.
enum class Objective {
    Damage,      ///< Choice::damage, nats a token
    Error,       ///< Choice::error
    WeightScore, ///< weightScore * relativeErrorAt(bits)
};
const char* name(Objective objective) noexcept; ///< "damage", "error", "weight-score"
std::optional<Objective> objectiveFromName(const std::string& name);

enum class Rule {
    Optimal,    ///< least predicted cost, proven
    SortAndCut, ///< what the paper's code ships (algorithm 5.4)
    PerLayer,   ///< the paper's equation 4: an average of bits per layer (algorithm 5.3)
    Uniform,    ///< one width for all
    Manual,     ///< a plan that somebody made; nothing is claimed of it
};
const char* name(Rule rule) noexcept; ///< "optimal", "sort-and-cut", "per-layer", "uniform", "manual"
std::optional<Rule> ruleFromName(const std::string& name);

struct Allocation {
    Rule rule = Rule::Optimal;
    std::vector<int> bits;           ///< per linear, the model's order
    std::uint64_t budget = 0;        ///< bytes that were allowed; 0: no such limit
    std::uint64_t bytes = 0;         ///< of the linears
    double cost = 0;                 ///< predicted, in units of the objective
    double lowerBound = 0;           ///< no plan within the constraints and the budget costs less; only Rule::Optimal
    double gap = 0;                  ///< cost - lowerBound, 0: proven; only Rule::Optimal
    std::vector<std::string> breaks; ///< linears whose constraints the plan does not obey
};

struct CurvePoint {
    std::uint64_t bytes = 0;
    double cost = 0;
    bool corner = false; ///< of the convex hull; otherwise an exact solve at a requested budget
};

class Allocator
{
public:
    /// Without `objective`: damage where it is complete, else error, else the weight score. A choice whose figure
    /// failed is not available. BadInput names the linear: nothing known of it, a pin that is not available (and what
    /// is), links that have no width in common.
    static Result<Allocator> create(const Sensitivity& sensitivity, const Constraints& constraints = {},
                                    std::optional<Objective> objective = {});
    Allocator(Allocator&&) noexcept;
    Allocator& operator=(Allocator&&) noexcept;
    ~Allocator();

    Objective objective() const;
    Provenance provenance() const; ///< the least trusted of the figures that plans are made of

    std::size_t size() const;           ///< linears
    std::uint64_t weights() const;      ///< of all linears
    std::uint64_t floorBytes() const;   ///< the smallest plan within the constraints
    std::uint64_t ceilingBytes() const; ///< the plan of least cost; more bytes are of no use
    /// Stored bits per weight, scales and padding counted.
    double bitsPerWeight(std::uint64_t bytes) const;
    std::uint64_t bytesFor(double bitsPerWeight) const; ///< rounded down; 0 for what is no positive number

    /// The least predicted cost within `budget` bytes. A budget above the ceiling gives the ceiling's plan; below the
    /// floor: BadInput with the floor.
    Result<Allocation> solve(std::uint64_t budget) const;
    /// Any rule at a budget: the largest plan of that rule that fits. The rules other than Optimal know nothing of
    /// constraints; here a linear that may not have the width that its rule wants gets the next wider one that it may
    /// have, else the next narrower, and linked linears count as one. Deterministic; PerLayer takes tens of
    /// milliseconds for a large model. BadInput when no plan of the rule fits, or figures that it needs are not known.
    Result<Allocation> allocate(Rule rule, std::uint64_t budget) const;

    /// Every linear at `bits`, constraints or not; Allocation::breaks says which constraints that would break. With
    /// none broken solve(bytes) costs no more. BadInput when a linear has no known choice of these bits.
    Result<Allocation> uniform(int bits) const;
    std::vector<int> uniformWidths() const; ///< bits for which uniform() succeeds, ascending
    /// Predicted cost on the straight lines between neighbouring uniform plans; nothing outside them.
    std::optional<double> uniformInterpolated(std::uint64_t bytes) const;

    /// Whole trade-off: every corner of the convex hull, and an exact solve at `extra` budgets spread evenly.
    std::vector<CurvePoint> curve(int extra = 0) const;

    /// The paper's shipped rule with its own parameter: shares of entries at 1, 2, 3 and 4 bits, which sum to 1. Ranks
    /// by LinearSensitivity::criterion; in OPT fc1 and fc2 count as four entries each.
    Result<Allocation> sortAndCut(const std::vector<double>& shares) const;
    /// The paper's equation 4 with its own parameter: at most this mean of bits over linears (not weights), each of 2,
    /// 3 or 4 bits, with the least sum of predicted errors (Choice::error where complete, else the objective).
    Result<Allocation> perLayer(double meanBits) const;

    /// What a plan costs and takes, whoever made it: `bits` per linear. BadInput names a linear that lacks the choice.
    Result<Allocation> evaluate(const std::vector<int>& bits) const;

    struct State; ///< core/alloc/allocator_state.h

private:
    explicit Allocator(std::unique_ptr<const State> state);
    std::unique_ptr<const State> m_state;
};

} // namespace sa
