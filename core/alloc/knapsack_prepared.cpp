// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/alloc/knapsack_prepared.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

namespace sa
{

namespace
{

constexpr std::uint64_t kMaxTotalBytes = std::uint64_t{1} << 60;
constexpr double kMaxCost = 1e250; ///< sums and differences stay finite
constexpr int kCostBits = 60;      ///< whole costs sum to at most 2^60 and half a unit for each class

Result<void> check(const std::vector<std::vector<KnapsackOption>>& classes)
{
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < classes.size(); ++i) {
        const std::string where = "class " + std::to_string(i);
        if (classes[i].empty())
            return makeError(Errc::BadInput, "there is nothing to choose from").at(where);
        std::uint64_t most = 0;
        for (const KnapsackOption& option : classes[i]) {
            if (!(std::abs(option.cost) <= kMaxCost))
                return makeError(Errc::BadInput, "a cost is not a usable number").at(where);
            most = std::max(most, option.bytes);
        }
        if (most > kMaxTotalBytes - total)
            return makeError(Errc::BadInput, "the sizes sum to more than 2^60 bytes").at(where);
        total += most;
    }
    return {};
}

double cheapestOf(const std::vector<KnapsackOption>& options)
{
    return std::min_element(options.begin(), options.end(),
                            [](const auto& a, const auto& b) { return a.cost < b.cost; })
        ->cost;
}

std::uint64_t smallestOf(const std::vector<KnapsackOption>& options)
{
    return std::min_element(options.begin(), options.end(),
                            [](const auto& a, const auto& b) { return a.bytes < b.bytes; })
        ->bytes;
}

/// Exponent e of the unit of cost 2^e: the spans of all classes together stay within kCostBits.
int costExponent(const std::vector<std::vector<KnapsackOption>>& classes)
{
    double span = 0;
    for (const auto& options : classes) {
        double worst = options.front().cost;
        for (const KnapsackOption& option : options)
            worst = std::max(worst, option.cost);
        span += worst - cheapestOf(options);
    }
    return span > 0 ? std::ilogb(span) + 1 - kCostBits : 0;
}

void addUndominated(const std::vector<KnapsackOption>& given, int exponent, WholeClass& out)
{
    const double cheapest = cheapestOf(given);
    const std::uint64_t smallest = smallestOf(given);
    std::vector<WholeOption> all;
    for (std::size_t j = 0; j < given.size(); ++j)
        all.push_back({static_cast<std::int64_t>(given[j].bytes - smallest),
                       std::llrint(std::ldexp(given[j].cost - cheapest, -exponent)), static_cast<int>(j)});
    std::sort(all.begin(), all.end(), [](const WholeOption& a, const WholeOption& b) {
        return std::tie(a.size, a.cost, a.original) < std::tie(b.size, b.cost, b.original);
    });
    for (const WholeOption& option : all)
        if (out.options.empty() || option.cost < out.options.back().cost)
            out.options.push_back(option);
}

Rate worthBetween(const WholeOption& from, const WholeOption& to)
{
    return {from.cost - to.cost, to.size - from.size};
}

/// Lower convex hull, strictly: the worth of edges falls.
void findHull(WholeClass& out)
{
    for (int j = 0; j < static_cast<int>(out.options.size()); ++j) {
        const auto at = [&](std::size_t fromTop) -> const WholeOption& {
            return out.options[static_cast<std::size_t>(out.hull[out.hull.size() - fromTop])];
        };
        const WholeOption& next = out.options[static_cast<std::size_t>(j)];
        while (out.hull.size() >= 2 && !(worthBetween(at(1), next) < worthBetween(at(2), at(1))))
            out.hull.pop_back();
        out.hull.push_back(j);
    }
}

} // namespace

Result<Knapsack> Knapsack::create(const std::vector<std::vector<KnapsackOption>>& classes, std::size_t stateLimit)
{
    SA_CHECK(check(classes));
    auto p = std::make_unique<Prepared>();
    p->given = classes;
    p->stateLimit = stateLimit;
    const int exponent = costExponent(classes);
    p->unitCost = std::ldexp(1.0, exponent);
    p->classes.resize(classes.size());
    std::int64_t divisor = 0;
    for (std::size_t i = 0; i < classes.size(); ++i) {
        p->minBytes += smallestOf(classes[i]);
        p->cheapest += cheapestOf(classes[i]);
        addUndominated(classes[i], exponent, p->classes[i]);
        for (const WholeOption& option : p->classes[i].options)
            divisor = std::gcd(divisor, option.size);
    }
    p->unitBytes = std::max<std::int64_t>(divisor, 1);
    for (std::size_t i = 0; i < classes.size(); ++i) {
        WholeClass& c = p->classes[i];
        for (WholeOption& option : c.options)
            option.size /= p->unitBytes;
        findHull(c);
        p->firstCost += c.options.front().cost;
        for (std::size_t level = 0; level + 1 < c.hull.size(); ++level) {
            const WholeOption& from = c.options[static_cast<std::size_t>(c.hull[level])];
            const WholeOption& to = c.options[static_cast<std::size_t>(c.hull[level + 1])];
            p->steps.push_back(
                {to.size - from.size, from.cost - to.cost, static_cast<int>(i), static_cast<int>(level)});
        }
    }
    std::stable_sort(p->steps.begin(), p->steps.end(),
                     [](const Step& a, const Step& b) { return b.worth() < a.worth(); });
    p->sizeBefore.push_back(0);
    p->gainBefore.push_back(0);
    for (const Step& step : p->steps) {
        p->sizeBefore.push_back(p->sizeBefore.back() + step.size);
        p->gainBefore.push_back(p->gainBefore.back() + step.gain);
    }
    return Knapsack(std::move(p));
}

Knapsack::Knapsack(std::unique_ptr<const Prepared> prepared)
    : m_prepared(std::move(prepared))
{
}
Knapsack::Knapsack(Knapsack&&) noexcept = default;
Knapsack& Knapsack::operator=(Knapsack&&) noexcept = default;
Knapsack::~Knapsack() = default;

std::uint64_t Knapsack::minBytes() const
{
    return m_prepared->minBytes;
}

std::uint64_t Knapsack::maxBytes() const
{
    return m_prepared->minBytes + static_cast<std::uint64_t>(m_prepared->fullSize() * m_prepared->unitBytes);
}

std::vector<KnapsackPoint> Knapsack::hull() const
{
    const Prepared& p = *m_prepared;
    std::vector<KnapsackPoint> out;
    for (std::size_t k = 0; k <= p.steps.size(); ++k) {
        // Steps of equal worth lie on one straight line: only its ends are corners.
        if (k > 0 && k < p.steps.size() && !(p.steps[k].worth() < p.steps[k - 1].worth()))
            continue;
        out.push_back({p.minBytes + static_cast<std::uint64_t>(p.sizeBefore[k] * p.unitBytes),
                       p.cheapest + static_cast<double>(p.firstCost - p.gainBefore[k]) * p.unitCost});
    }
    return out;
}

} // namespace sa
