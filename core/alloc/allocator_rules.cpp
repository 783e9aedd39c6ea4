// SPDX-License-Identifier: GPL-3.0-or-later
// The rules that the paper describes and ships, for comparison at the same stored bytes.
#include "core/alloc/allocator_state.h"

#include <algorithm>
#include <cmath>

namespace sa
{

namespace
{

using State = Allocator::State;
using Group = State::Group;

constexpr int kPaperWidths[] = {2, 3, 4}; ///< equation 4

struct Ranked {
    const Group* group = nullptr;
    double criterion = 0; ///< the largest of its members
    int entries = 0;
};

/// Groups that can have more than one width, ascending criterion; equals stay in the model's order.
Result<std::vector<Ranked>> ranking(const State& state)
{
    std::vector<Ranked> out;
    for (const Group& group : state.groups) {
        if (group.isFixed())
            continue;
        Ranked ranked{&group, -HUGE_VAL, 0};
        for (const std::size_t i : group.members) {
            const State::Linear& linear = state.linears[i];
            if (!linear.criterion.known())
                return makeError(Errc::BadInput, "sort-and-cut ranks by the paper's criterion, which is not known here")
                    .at(linear.name)
                    .tryThis("Run shiftadd analyze to the end");
            ranked.criterion = std::max(ranked.criterion, linear.criterion.value);
            ranked.entries += linear.entries;
        }
        out.push_back(ranked);
    }
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.criterion < b.criterion; });
    return out;
}

std::vector<int> fixedBits(const State& state)
{
    std::vector<int> bits(state.linears.size(), 0);
    for (const Group& group : state.groups)
        if (group.isFixed())
            state.set(group, group.widths.front(), bits);
    return bits;
}

/// The most linears at `low + 1` bits, taken from the top of the ranking, and the others at `low`.
Result<Allocation> sortAndCutWithin(const State& state, std::uint64_t budget)
{
    SA_TRY(const auto ranked, ranking(state));
    std::uint64_t smallest = 0;
    for (int low = 3; low >= 1; --low) {
        std::vector<int> bits = fixedBits(state);
        std::uint64_t bytes = 0;
        for (const Group& group : state.groups) {
            if (!group.isFixed())
                state.set(group, group.nearest(low + 1), bits);
            bytes += state.bytesOf(group, bits[group.members.front()]);
        }
        for (std::size_t m = 0; bytes > budget && m < ranked.size(); ++m) {
            const Group& group = *ranked[m].group;
            bytes -= state.bytesOf(group, bits[group.members.front()]);
            state.set(group, group.nearest(low), bits);
            bytes += state.bytesOf(group, bits[group.members.front()]);
        }
        if (bytes <= budget)
            return state.priced(Rule::SortAndCut, std::move(bits), budget);
        smallest = bytes;
    }
    return state.belowFloor(budget, smallest, "no plan of the sort-and-cut rule is as small as the budget");
}

/// Equation 4 as a knapsack whose sizes are bits.
class PerLayerProblem
{
public:
    explicit PerLayerProblem(const State& state)
        : m_state(state)
    {
        const bool hasErrors = std::all_of(state.groups.begin(), state.groups.end(), [&](const Group& group) {
            const std::vector<int> widths = paperWidths(group);
            return std::all_of(group.members.begin(), group.members.end(), [&](std::size_t i) {
                return std::all_of(widths.begin(), widths.end(),
                                   [&](int bits) { return state.linears[i].option(bits)->error.known(); });
            });
        });
        for (const Group& group : state.groups) {
            std::vector<int> widths = paperWidths(group);
            std::vector<KnapsackOption> options;
            for (const int bits : widths) {
                double cost = hasErrors ? 0 : state.costOf(group, bits);
                for (const std::size_t i : group.members)
                    cost += hasErrors ? state.linears[i].option(bits)->error.value : 0;
                // A layer with one width only takes no part, pinned or kept.
                const std::uint64_t size =
                    widths.size() == 1 ? 0 : static_cast<std::uint64_t>(bits) * group.members.size();
                options.push_back({size, cost});
            }
            m_layers += widths.size() == 1 ? 0 : group.members.size();
            m_widths.push_back(std::move(widths));
            m_options.push_back(std::move(options));
        }
    }

    Result<Knapsack> knapsack() const { return Knapsack::create(m_options); }
    std::size_t layers() const { return m_layers; }
    Allocation plan(const KnapsackSolution& solution, std::uint64_t budget) const
    {
        std::vector<int> bits(m_state.linears.size());
        for (std::size_t g = 0; g < m_widths.size(); ++g)
            m_state.set(m_state.groups[g], m_widths[g][static_cast<std::size_t>(solution.choice[g])], bits);
        return m_state.priced(Rule::PerLayer, std::move(bits), budget);
    }

private:
    /// The paper's widths as far as the group may have them, else the nearest that it may have.
    static std::vector<int> paperWidths(const Group& group)
    {
        std::vector<int> out;
        for (const int bits : kPaperWidths)
            if (std::find(group.widths.begin(), group.widths.end(), bits) != group.widths.end())
                out.push_back(bits);
        if (out.empty())
            out.push_back(group.nearest(kPaperWidths[0]));
        return out;
    }

    const State& m_state;
    std::size_t m_layers = 0;
    std::vector<std::vector<int>> m_widths; ///< by group
    std::vector<std::vector<KnapsackOption>> m_options;
};

/// The largest sum of bits whose optimum fits. The bytes of optima need not grow with the sum: all are tried.
Result<Allocation> perLayerWithin(const State& state, std::uint64_t budget)
{
    const PerLayerProblem problem(state);
    SA_TRY(const Knapsack knapsack, problem.knapsack());
    std::uint64_t smallest = 0;
    for (std::uint64_t sum = knapsack.maxBytes() + 1; sum-- > knapsack.minBytes();) {
        SA_TRY(const KnapsackSolution solution, knapsack.solve(sum));
        Allocation plan = problem.plan(solution, budget);
        if (plan.bytes <= budget)
            return plan;
        smallest = plan.bytes;
    }
    return state.belowFloor(budget, smallest,
                            "no plan of the per-layer rule (2, 3 or 4 bits) is as small as the budget");
}

Result<Allocation> uniformWithin(const State& state, std::uint64_t budget)
{
    for (auto plan = state.uniformAllowed.rbegin(); plan != state.uniformAllowed.rend(); ++plan)
        if (plan->bytes <= budget)
            return state.priced(Rule::Uniform, plan->bits, budget);
    return state.belowFloor(budget, state.uniformAllowed.front().bytes, "no uniform plan is as small as the budget");
}

} // namespace

Result<Allocation> Allocator::allocate(Rule rule, std::uint64_t budget) const
{
    switch (rule) {
    case Rule::SortAndCut:
        return sortAndCutWithin(*m_state, budget);
    case Rule::PerLayer:
        return perLayerWithin(*m_state, budget);
    case Rule::Uniform:
        return uniformWithin(*m_state, budget);
    case Rule::Manual:
        return makeError(Errc::BadInput, "a plan made by hand does not follow from a budget");
    case Rule::Optimal:
        break;
    }
    return solve(budget);
}

Result<Allocation> Allocator::sortAndCut(const std::vector<double>& shares) const
{
    const State& state = *m_state;
    double sum = 0;
    for (const double share : shares)
        sum += share >= 0 ? share : HUGE_VAL;
    if (shares.empty() || shares.size() > 4 || !(std::abs(sum - 1) <= 1e-9))
        return makeError(Errc::BadInput, "shares are one to four numbers that sum to 1");
    SA_TRY(const auto ranked, ranking(state));
    double entries = 0;
    for (const Ranked& each : ranked)
        entries += each.entries;
    std::vector<double> cuts;
    double share = 0;
    for (std::size_t i = 0; i + 1 < shares.size(); ++i) // behind the last cut there is nothing
        cuts.push_back((share += shares[i]) * entries);
    std::vector<int> bits = fixedBits(state);
    double rank = -1;
    for (const Ranked& each : ranked) {
        rank += each.entries; // across a cut the last of a layer's entries decides, as in the released code
        const auto below = std::upper_bound(cuts.begin(), cuts.end(), rank) - cuts.begin();
        state.set(*each.group, each.group->nearest(static_cast<int>(below) + 1), bits);
    }
    return state.priced(Rule::SortAndCut, std::move(bits), 0);
}

Result<Allocation> Allocator::perLayer(double meanBits) const
{
    const PerLayerProblem problem(*m_state);
    SA_TRY(const Knapsack knapsack, problem.knapsack());
    const double sum = std::floor(meanBits * static_cast<double>(problem.layers()) + 1e-9);
    if (!(sum >= static_cast<double>(knapsack.minBytes())))
        return makeError(Errc::BadInput, "the mean is below the smallest plan of the per-layer rule")
            .butFound(json::dump(Json(meanBits)))
            .wanted("at least " + json::dump(Json(static_cast<double>(knapsack.minBytes()) /
                                                  static_cast<double>(std::max<std::size_t>(problem.layers(), 1)))));
    const double most = static_cast<double>(knapsack.maxBytes());
    SA_TRY(const KnapsackSolution solution, knapsack.solve(static_cast<std::uint64_t>(std::min(sum, most))));
    return problem.plan(solution, 0);
}

} // namespace sa
