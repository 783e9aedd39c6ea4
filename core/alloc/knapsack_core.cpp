// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/alloc/knapsack_core.h"

#include <algorithm>

namespace sa
{

namespace
{

void add(Outlook& outlook, const Move& move)
{
    if (move.size > 0) {
        const Rate rate{-move.cost, move.size};
        if (!outlook.up || *outlook.up < rate)
            outlook.up = rate;
        outlook.mostUp = std::max(outlook.mostUp, move.size);
    } else if (move.size < 0) {
        const Rate rate{move.cost, -move.size};
        if (!outlook.down || rate < *outlook.down)
            outlook.down = rate;
        outlook.mostDown = std::max(outlook.mostDown, -move.size);
    }
}

std::vector<CoreClass> payingClasses(const Knapsack::Prepared& prepared, const Base& base, std::int64_t best)
{
    std::vector<CoreClass> out;
    for (std::size_t i = 0; i < prepared.classes.size(); ++i) {
        const std::vector<WholeOption>& options = prepared.classes[i].options;
        const WholeOption& stays = options[static_cast<std::size_t>(base.option[i])];
        CoreClass core;
        core.classIndex = static_cast<int>(i);
        for (std::size_t j = 0; j < options.size(); ++j) {
            const Move move{options[j].size - stays.size, options[j].cost - stays.cost, static_cast<int>(j)};
            if (&options[j] != &stays && !base.mayPay(move.size, move.cost, best))
                continue;
            add(core.outlook, move);
            core.moves.push_back(move);
        }
        if (core.moves.size() > 1)
            out.push_back(std::move(core));
    }
    return out;
}

/// Indices of classes in an order of preference, each to be taken once by one of two lists.
class Queue
{
public:
    Queue(std::vector<std::size_t> order, const std::vector<bool>& taken)
        : m_order(std::move(order))
        , m_taken(taken)
    {
    }
    std::optional<std::size_t> front()
    {
        while (m_at < m_order.size() && m_taken[m_order[m_at]])
            ++m_at;
        return m_at < m_order.size() ? std::optional(m_order[m_at]) : std::nullopt;
    }

private:
    std::vector<std::size_t> m_order;
    const std::vector<bool>& m_taken;
    std::size_t m_at = 0;
};

} // namespace

Base Base::at(const Knapsack::Prepared& prepared, std::int64_t capacity)
{
    Base out;
    out.option.assign(prepared.classes.size(), 0);
    const auto& before = prepared.sizeBefore;
    const auto taken =
        static_cast<std::size_t>(std::upper_bound(before.begin(), before.end(), capacity) - before.begin()) - 1;
    for (std::size_t k = 0; k < taken; ++k) {
        const Step& step = prepared.steps[k];
        const auto i = static_cast<std::size_t>(step.classIndex);
        out.option[i] = prepared.classes[i].hull[static_cast<std::size_t>(step.level) + 1];
    }
    if (taken < prepared.steps.size()) {
        out.slack = capacity - before[taken];
        out.worth = prepared.steps[taken].worth();
    }
    return out;
}

bool Base::mayPay(std::int64_t size, std::int64_t cost, std::int64_t best) const
{
    return times(cost - best, worth.den) < times(slack - size, worth.num);
}

Core findCore(const Knapsack::Prepared& prepared, const Base& base, std::int64_t best)
{
    std::vector<CoreClass> classes = payingClasses(prepared, base, best);
    std::vector<std::size_t> growing, shrinking;
    Outlook rest;
    for (std::size_t i = 0; i < classes.size(); ++i) {
        const Outlook& outlook = classes[i].outlook;
        if (outlook.up)
            growing.push_back(i);
        if (outlook.down)
            shrinking.push_back(i);
        rest.mostUp += outlook.mostUp;
        rest.mostDown += outlook.mostDown;
    }
    std::stable_sort(growing.begin(), growing.end(),
                     [&](std::size_t a, std::size_t b) { return *classes[b].outlook.up < *classes[a].outlook.up; });
    std::stable_sort(shrinking.begin(), shrinking.end(),
                     [&](std::size_t a, std::size_t b) { return *classes[a].outlook.down < *classes[b].outlook.down; });

    std::vector<bool> taken(classes.size(), false);
    Queue up(std::move(growing), taken), down(std::move(shrinking), taken);
    Core out;
    for (bool grow = true; out.classes.size() < classes.size(); grow = !grow) {
        const auto grows = up.front(), shrinks = down.front();
        const std::size_t pick = (grow && grows) || !shrinks ? *grows : *shrinks;
        taken[pick] = true;
        rest.mostUp -= classes[pick].outlook.mostUp;
        rest.mostDown -= classes[pick].outlook.mostDown;
        const auto nextUp = up.front(), nextDown = down.front();
        rest.up = nextUp ? classes[*nextUp].outlook.up : std::nullopt;
        rest.down = nextDown ? classes[*nextDown].outlook.down : std::nullopt;
        out.classes.push_back(std::move(classes[pick]));
        out.rest.push_back(rest);
    }
    return out;
}

} // namespace sa
