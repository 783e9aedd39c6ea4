// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/alloc/allocator.h"

#include "core/alloc/allocator_state.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace sa
{

namespace
{

constexpr std::pair<Objective, const char*> kObjectives[] = {
    {Objective::Damage, "damage"}, {Objective::Error, "error"}, {Objective::WeightScore, "weight-score"}};
constexpr std::pair<Rule, const char*> kRules[] = {{Rule::Optimal, "optimal"},
                                                   {Rule::SortAndCut, "sort-and-cut"},
                                                   {Rule::PerLayer, "per-layer"},
                                                   {Rule::Uniform, "uniform"},
                                                   {Rule::Manual, "manual"}};

template<class Pairs, class T> const char* nameIn(const Pairs& pairs, T value)
{
    const auto at = std::find_if(std::begin(pairs), std::end(pairs), [&](const auto& p) { return p.first == value; });
    return at == std::end(pairs) ? "" : at->second;
}

template<class T, std::size_t n>
std::optional<T> valueIn(const std::pair<T, const char*> (&pairs)[n], const std::string& text)
{
    const auto at = std::find_if(std::begin(pairs), std::end(pairs), [&](const auto& p) { return text == p.second; });
    return at == std::end(pairs) ? std::nullopt : std::optional(at->first);
}

} // namespace

const char* name(Objective objective) noexcept
{
    return nameIn(kObjectives, objective);
}
std::optional<Objective> objectiveFromName(const std::string& text)
{
    return valueIn(kObjectives, text);
}
const char* name(Rule rule) noexcept
{
    return nameIn(kRules, rule);
}
std::optional<Rule> ruleFromName(const std::string& text)
{
    return valueIn(kRules, text);
}

Allocator::Allocator(std::unique_ptr<const State> state)
    : m_state(std::move(state))
{
}
Allocator::Allocator(Allocator&&) noexcept = default;
Allocator& Allocator::operator=(Allocator&&) noexcept = default;
Allocator::~Allocator() = default;

Objective Allocator::objective() const
{
    return m_state->objective;
}
Provenance Allocator::provenance() const
{
    return m_state->provenance;
}
std::size_t Allocator::size() const
{
    return m_state->linears.size();
}
std::uint64_t Allocator::weights() const
{
    return m_state->weights;
}
std::uint64_t Allocator::floorBytes() const
{
    return m_state->knapsack->minBytes();
}
std::uint64_t Allocator::ceilingBytes() const
{
    return m_state->knapsack->maxBytes();
}

double Allocator::bitsPerWeight(std::uint64_t bytes) const
{
    return m_state->weights == 0 ? 0.0 : 8.0 * static_cast<double>(bytes) / static_cast<double>(m_state->weights);
}

std::uint64_t Allocator::bytesFor(double bitsPerWeight) const
{
    // The thousandth makes it the inverse of bitsPerWeight() up to 2^43 bytes.
    const double bytes = std::floor(bitsPerWeight / 8.0 * static_cast<double>(m_state->weights) + 0.001);
    if (!(bytes > 0))
        return 0;
    return bytes < 0x1p62 ? static_cast<std::uint64_t>(bytes) : std::uint64_t{1} << 62;
}

Result<Allocation> Allocator::solve(std::uint64_t budget) const
{
    const State& s = *m_state;
    if (budget < floorBytes())
        return s.belowFloor(budget, floorBytes(), "the budget is below the smallest plan that the rules allow");
    SA_TRY(const KnapsackSolution solution, s.knapsack->solve(budget));
    std::vector<int> bits(s.linears.size());
    for (std::size_t g = 0; g < s.groups.size(); ++g)
        s.set(s.groups[g], s.groups[g].widths[static_cast<std::size_t>(solution.choice[g])], bits);
    Allocation out = s.priced(Rule::Optimal, std::move(bits), budget);
    // The optimum is no worse than they are; sums in float64 may say otherwise in the last digit.
    for (const Allocation& uniform : s.uniformAllowed)
        if (uniform.bytes <= budget && uniform.cost < out.cost)
            out = s.priced(Rule::Optimal, uniform.bits, budget);
    out.gap = solution.gap;
    out.lowerBound = out.cost - out.gap;
    return out;
}

Result<Allocation> Allocator::uniform(int bits) const
{
    return m_state->evaluate(Rule::Uniform, std::vector<int>(size(), bits));
}

std::vector<int> Allocator::uniformWidths() const
{
    std::vector<int> out;
    for (const Allocation& plan : m_state->uniform)
        out.push_back(plan.bits.front());
    return out;
}

std::optional<double> Allocator::uniformInterpolated(std::uint64_t bytes) const
{
    std::vector<std::pair<std::uint64_t, double>> points;
    for (const Allocation& plan : m_state->uniform)
        points.emplace_back(plan.bytes, plan.cost);
    std::sort(points.begin(), points.end());
    const auto after = std::lower_bound(points.begin(), points.end(), std::pair(bytes, -HUGE_VAL));
    if (after == points.end())
        return std::nullopt;
    if (after->first == bytes)
        return after->second;
    if (after == points.begin())
        return std::nullopt;
    const auto before = after - 1;
    const double t = static_cast<double>(bytes - before->first) / static_cast<double>(after->first - before->first);
    return before->second + t * (after->second - before->second);
}

std::vector<CurvePoint> Allocator::curve(int extra) const
{
    std::vector<CurvePoint> out;
    for (const KnapsackPoint& point : m_state->knapsack->hull())
        out.push_back({point.bytes, point.cost, true});
    const std::uint64_t floor = floorBytes(), span = ceilingBytes() - floor;
    for (int i = 0; i < extra; ++i) {
        const double share = (i + 1.0) / (extra + 1.0);
        const auto plan = solve(floor + static_cast<std::uint64_t>(share * static_cast<double>(span)));
        if (plan)
            out.push_back({plan->bytes, plan->cost, false});
    }
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.bytes < b.bytes; });
    const auto same = [](const CurvePoint& a, const CurvePoint& b) { return a.bytes == b.bytes; };
    out.erase(std::unique(out.begin(), out.end(), same), out.end()); // corners come first
    return out;
}

Result<Allocation> Allocator::evaluate(const std::vector<int>& bits) const
{
    return m_state->evaluate(Rule::Manual, bits);
}

} // namespace sa
