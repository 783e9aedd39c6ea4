// SPDX-License-Identifier: GPL-3.0-or-later
// The search: a dynamic programme takes in one class after the other, those first whose change costs least, and drops
// every state that cannot lead to less than the best solution so far.
#include "core/alloc/knapsack.h"

#include "core/alloc/knapsack_core.h"

#include <algorithm>
#include <limits>

namespace sa
{

namespace
{

/// Size and cost above the base's, with the classes that are still to come at the base.
struct State {
    std::int64_t size = 0, cost = 0;
    std::uint32_t parent = 0; ///< in the arena
    std::uint32_t move = 0;   ///< of the layer's class
};

class Search
{
public:
    Search(const Knapsack::Prepared& prepared, std::int64_t capacity)
        : m_prepared(prepared)
        , m_base(Base::at(prepared, capacity))
        , m_choice(m_base.option)
    {
    }

    void run();
    const std::vector<int>& choice() const { return m_choice; } ///< by class, index into WholeClass::options
    std::int64_t gap() const { return m_gap; }

private:
    void fillGreedily();
    bool mayPay(const State& state, const Outlook& rest) const;
    std::int64_t boundOf(const State& state, const Outlook& rest) const;
    bool expand(const CoreClass& core, const Outlook& rest);
    void dropHopeless(std::size_t begin, const Outlook& rest);
    void takeBest(const Core& core);

    const Knapsack::Prepared& m_prepared;
    Base m_base;
    std::vector<int> m_choice;
    std::int64_t m_best = 0; ///< cost of the best solution so far above the base's
    std::int64_t m_gap = 0;
    std::vector<State> m_arena;  ///< layer after layer; within one, ascending size and descending cost
    std::size_t m_layer = 0;     ///< where the newest begins
    std::size_t m_layers = 0;    ///< classes taken in
    std::size_t m_bestState = 0; ///< in the arena; 0: m_choice is still the best
    std::size_t m_bestLayers = 0;
};

/// Steps that still fit, in the order of their worth: the first solution.
void Search::fillGreedily()
{
    std::int64_t room = m_base.slack;
    for (const Step& step : m_prepared.steps) {
        if (m_base.worth < step.worth())
            continue; // in the base
        const auto i = static_cast<std::size_t>(step.classIndex);
        const std::vector<int>& hull = m_prepared.classes[i].hull;
        const auto level = static_cast<std::size_t>(step.level);
        if (step.size > room || m_choice[i] != hull[level])
            continue;
        m_choice[i] = hull[level + 1];
        room -= step.size;
        m_best -= step.gain;
    }
}

/// What `room` for growth, or a lack of it, can still change, by the best rates that are left. Growing first and
/// shrinking elsewhere cannot do better: no rate of growth is above one of shrinking.
bool Search::mayPay(const State& state, const Outlook& rest) const
{
    const std::int64_t room = m_base.slack - state.size;
    if (room < 0) {
        if (!rest.down || -room > rest.mostDown)
            return false;
        return times(-room, rest.down->num) < times(m_best - state.cost, rest.down->den);
    }
    if (!rest.up)
        return state.cost < m_best;
    return times(state.cost - m_best, rest.up->den) < times(std::min(room, rest.mostUp), rest.up->num);
}

/// The same as a number, rounded down.
std::int64_t Search::boundOf(const State& state, const Outlook& rest) const
{
    constexpr Int128 kMost = std::int64_t{1} << 61; // no difference of costs is larger
    const std::int64_t room = m_base.slack - state.size;
    if (room < 0 && rest.down)
        return state.cost + static_cast<std::int64_t>(std::min(times(-room, rest.down->num) / rest.down->den, kMost));
    if (room > 0 && rest.up)
        return state.cost - static_cast<std::int64_t>(std::min(times(room, rest.up->num) / rest.up->den, kMost)) - 1;
    return state.cost;
}

/// The next layer: all states of the newest with all moves of a class, without those that another one dominates. False
/// when there is no memory left to spend.
bool Search::expand(const CoreClass& core, const Outlook& rest)
{
    struct Source {
        Move move;
        std::uint32_t index;
        std::size_t cursor;
    };
    const std::size_t end = m_arena.size();
    std::vector<Source> sources;
    for (std::size_t j = 0; j < core.moves.size(); ++j) {
        const Move& move = core.moves[j];
        if ((move.size == 0 && move.cost == 0) || m_base.mayPay(move.size, move.cost, m_best))
            sources.push_back({move, static_cast<std::uint32_t>(j), m_layer});
    }
    ++m_layers;
    std::int64_t lowest = std::numeric_limits<std::int64_t>::max();
    while (m_arena.size() <= m_prepared.stateLimit) {
        Source* from = nullptr;
        State next;
        for (Source& source : sources) {
            if (source.cursor == end)
                continue;
            const std::int64_t size = m_arena[source.cursor].size + source.move.size;
            const std::int64_t cost = m_arena[source.cursor].cost + source.move.cost;
            if (!from || size < next.size || (size == next.size && cost < next.cost)) {
                from = &source;
                next = {size, cost, static_cast<std::uint32_t>(source.cursor), source.index};
            }
        }
        if (!from) {
            m_layer = end;
            dropHopeless(end, rest); // the best may have been found late
            return true;
        }
        ++from->cursor;
        if (next.cost >= lowest) // another one is no larger and costs no more
            continue;
        lowest = next.cost;
        const bool better = next.size <= m_base.slack && next.cost < m_best;
        if (better) {
            m_best = next.cost;
            m_bestState = m_arena.size();
            m_bestLayers = m_layers;
        }
        if (better || mayPay(next, rest))
            m_arena.push_back(next);
    }
    return false;
}

void Search::dropHopeless(std::size_t begin, const Outlook& rest)
{
    std::size_t kept = begin;
    for (std::size_t i = begin; i < m_arena.size(); ++i) {
        if (i != m_bestState && !mayPay(m_arena[i], rest))
            continue;
        if (i == m_bestState)
            m_bestState = kept;
        m_arena[kept++] = m_arena[i];
    }
    m_arena.resize(kept);
}

void Search::takeBest(const Core& core)
{
    if (m_bestState == 0)
        return;
    m_choice = m_base.option;
    std::size_t at = m_bestState;
    for (std::size_t t = m_bestLayers; t-- > 0; at = m_arena[at].parent)
        m_choice[static_cast<std::size_t>(core.classes[t].classIndex)] = core.classes[t].moves[m_arena[at].move].option;
}

void Search::run()
{
    if (m_base.slack == 0)
        return;
    fillGreedily();
    const Core core = findCore(m_prepared, m_base, m_best);
    m_arena.push_back({});
    for (std::size_t t = 0; t < core.classes.size() && m_layer < m_arena.size(); ++t) {
        const Outlook before = t == 0 ? Outlook{} : core.rest[t - 1];
        const std::size_t layer = m_layer, end = m_arena.size();
        if (expand(core.classes[t], core.rest[t]))
            continue;
        // Not proven: the states of the last whole layer bound what could still be found.
        if (t > 0)
            for (std::size_t i = layer; i < end; ++i)
                m_gap = std::max(m_gap, m_best - boundOf(m_arena[i], before));
        else
            m_gap = m_best - boundOf(m_arena[0], {m_base.worth, {}, 0, 0});
        break;
    }
    takeBest(core);
}

} // namespace

Result<KnapsackSolution> Knapsack::solve(std::uint64_t budget) const
{
    const Prepared& p = *m_prepared;
    if (budget < p.minBytes)
        return makeError(Errc::BadInput, "nothing fits the budget")
            .butFound(std::to_string(budget) + " bytes")
            .wanted("at least " + std::to_string(p.minBytes));
    const std::uint64_t units = (budget - p.minBytes) / static_cast<std::uint64_t>(p.unitBytes);
    const auto full = static_cast<std::uint64_t>(p.fullSize());
    Search search(p, static_cast<std::int64_t>(std::min(units, full)));
    search.run();

    KnapsackSolution out;
    for (std::size_t i = 0; i < p.classes.size(); ++i) {
        const int given = p.classes[i].options[static_cast<std::size_t>(search.choice()[i])].original;
        const KnapsackOption& option = p.given[i][static_cast<std::size_t>(given)];
        out.choice.push_back(given);
        out.bytes += option.bytes;
        out.cost += option.cost;
    }
    out.gap = static_cast<double>(search.gap()) * p.unitCost;
    out.lowerBound = out.cost - out.gap;
    return out;
}

} // namespace sa
