// SPDX-License-Identifier: GPL-3.0-or-later
// From a sensitivity and its constraints to an allocator.
#include "core/alloc/allocator_state.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace sa
{

namespace
{

using State = Allocator::State;

Figure figureOf(const LinearSensitivity& linear, const Choice& choice, Objective objective)
{
    if (choice.bits == kKeptBits)
        return {0.0, Provenance::Measured}; // nothing is changed
    if (objective == Objective::Damage)
        return choice.damage;
    if (objective == Objective::Error)
        return choice.error;
    Figure out = linear.weightScore;
    out.value *= relativeErrorAt(choice.bits);
    if (out.provenance == Provenance::Measured)
        out.provenance = Provenance::Estimated;
    return out;
}

LinearRule ruleOf(const Constraints& constraints, const std::string& linear)
{
    const auto at = constraints.rules.find(linear);
    return at == constraints.rules.end() ? LinearRule() : at->second;
}

std::string listed(const std::vector<int>& bits)
{
    std::string out;
    for (const int each : bits)
        out += (out.empty() ? "" : ", ") + std::to_string(each);
    return out.empty() ? "nothing" : out;
}

std::string inWords(const LinearRule& rule)
{
    if (rule.excluded)
        return "excluded (16 bits)";
    if (rule.pin)
        return "pinned to " + std::to_string(*rule.pin) + " bits";
    return "bits within " + (rule.low ? std::to_string(*rule.low) : "") + ".." +
           (rule.high ? std::to_string(*rule.high) : "");
}

/// Some figure that a plan might need has not been looked for yet. (One that failed only closes its choice.)
bool lacks(const LinearSensitivity& linear, const LinearRule& rule, Objective objective)
{
    return std::any_of(linear.choices.begin(), linear.choices.end(), [&](const Choice& choice) {
        return rule.allows(choice.bits) && figureOf(linear, choice, objective).provenance == Provenance::Missing;
    });
}

Result<Objective> chooseObjective(const Sensitivity& sensitivity, const Constraints& constraints,
                                  std::optional<Objective> asked)
{
    const std::vector<Objective> candidates =
        asked ? std::vector{*asked} : std::vector{Objective::Damage, Objective::Error, Objective::WeightScore};
    const LinearSensitivity* lacking = nullptr;
    for (const Objective objective : candidates) {
        const auto at = std::find_if(sensitivity.linears.begin(), sensitivity.linears.end(), [&](const auto& linear) {
            return lacks(linear, ruleOf(constraints, linear.name), objective);
        });
        if (at == sensitivity.linears.end())
            return objective;
        lacking = &*at;
    }
    Error error = makeError(Errc::BadInput, "not enough is known of this linear layer to give it bits")
                      .at(lacking->name)
                      .tryThis("Run shiftadd analyze to the end");
    if (asked)
        error.expected = std::string("figures of the objective \"") + name(*asked) + "\"";
    return error;
}

Result<State::Linear> makeLinear(const LinearSensitivity& linear, const LinearRule& rule, Objective objective,
                                 bool isOpt)
{
    State::Linear out{linear.name, rule, {}, linear.criterion, 1};
    // The released code counts OPT's fc layers four times: they have four times the weights (algorithm 5.4).
    if (isOpt && (linear.projection == "fc1" || linear.projection == "fc2"))
        out.entries = 4;
    std::vector<int> known;
    bool isFree = false;
    for (const Choice& choice : linear.choices) {
        out.options.push_back({choice.bits, choice.bytes, figureOf(linear, choice, objective), choice.error});
        if (choice.bits == kKeptBits)
            out.options.back().error = {0.0, Provenance::Measured};
        if (!out.options.back().cost.known())
            continue;
        known.push_back(choice.bits);
        isFree = isFree || rule.allows(choice.bits);
    }
    if (isFree)
        return out;
    Error error = makeError(Errc::BadInput, rule.empty() ? "no width of this linear layer can be used"
                                                         : "this linear layer has no width that its rule allows")
                      .at(linear.name)
                      .butFound(rule.empty() ? "no figures" : inWords(rule))
                      .wanted("one of " + listed(known));
    if (!linear.problem.empty())
        error.remedy = "The analysis says: " + display(linear.problem);
    return error;
}

/// Which linears take one width together: every linear's group by its first member.
Result<std::vector<std::size_t>> leaders(const State& state, const Constraints& constraints)
{
    std::map<std::string, std::size_t> index;
    for (std::size_t i = 0; i < state.linears.size(); ++i)
        index[state.linears[i].name] = i;
    for (const auto& [linear, rule] : constraints.rules)
        if (!index.contains(linear))
            return makeError(Errc::BadInput, "a rule is for a linear layer that the model does not have").at(linear);
    std::vector<std::size_t> leader(state.linears.size());
    std::iota(leader.begin(), leader.end(), std::size_t{0});
    const auto find = [&](std::size_t i) {
        while (leader[i] != i)
            i = leader[i] = leader[leader[i]];
        return i;
    };
    for (const auto& link : constraints.links) {
        std::optional<std::size_t> first;
        for (const std::string& linear : link) {
            const auto at = index.find(linear);
            if (at == index.end())
                return makeError(Errc::BadInput, "a link names a linear layer that the model does not have").at(linear);
            const std::size_t a = find(at->second), b = find(first.value_or(at->second));
            leader[std::max(a, b)] = std::min(a, b);
            first = std::min(a, b);
        }
    }
    for (std::size_t i = 0; i < leader.size(); ++i)
        leader[i] = find(i);
    return leader;
}

std::vector<int> widthsOf(const State::Linear& linear)
{
    std::vector<int> out;
    for (const State::Option& option : linear.options)
        if (option.cost.known() && linear.rule.allows(option.bits))
            out.push_back(option.bits);
    return out;
}

Result<void> addGroups(State& state, const std::vector<std::size_t>& leader)
{
    std::vector<std::size_t> groupOf(leader.size());
    for (std::size_t i = 0; i < leader.size(); ++i) {
        if (leader[i] == i) {
            groupOf[i] = state.groups.size();
            state.groups.push_back({{}, widthsOf(state.linears[i])});
        }
        State::Group& group = state.groups[groupOf[leader[i]]];
        group.members.push_back(i);
        const std::vector<int> own = widthsOf(state.linears[i]);
        std::erase_if(group.widths, [&](int bits) { return std::find(own.begin(), own.end(), bits) == own.end(); });
    }
    for (const State::Group& group : state.groups) {
        if (!group.widths.empty())
            continue;
        std::string found;
        for (const std::size_t i : group.members)
            found += (found.empty() ? "" : "; ") + state.linears[i].name + ": " + listed(widthsOf(state.linears[i]));
        return makeError(Errc::BadInput, "linked linear layers have no width in common")
            .at(state.linears[group.members.front()].name)
            .butFound(display(found, 600));
    }
    return {};
}

/// Trust in the figures that plans are made of is that in the worst of them.
Provenance worstProvenance(const State& state)
{
    const auto doubt = [](Provenance p) { return p == Provenance::Stale ? 2 : p == Provenance::Estimated ? 1 : 0; };
    Provenance out = Provenance::Measured;
    for (const State::Group& group : state.groups)
        for (const std::size_t i : group.members)
            for (const int bits : group.widths)
                if (const Provenance p = state.linears[i].option(bits)->cost.provenance; doubt(p) > doubt(out))
                    out = p;
    return out;
}

/// "class 3" is the fourth group.
Error inLayerNames(Error error, const State& state)
{
    for (std::size_t g = 0; g < state.groups.size(); ++g)
        if (error.where == "class " + std::to_string(g)) {
            error.where = state.linears[state.groups[g].members.front()].name;
            break;
        }
    return error;
}

Result<void> prepare(State& state)
{
    std::vector<std::vector<KnapsackOption>> classes;
    for (const State::Group& group : state.groups) {
        std::vector<KnapsackOption>& options = classes.emplace_back();
        for (const int bits : group.widths)
            options.push_back({state.bytesOf(group, bits), state.costOf(group, bits)});
    }
    auto knapsack = Knapsack::create(classes);
    if (!knapsack)
        return inLayerNames(std::move(knapsack).error(), state);
    state.knapsack = *std::move(knapsack);
    for (const int bits : {1, 2, 3, 4, kKeptBits}) {
        auto plan = state.evaluate(Rule::Uniform, std::vector<int>(state.linears.size(), bits));
        if (plan)
            state.uniform.push_back(*std::move(plan));
        std::vector<int> allowed(state.linears.size());
        for (const State::Group& group : state.groups)
            state.set(group, group.nearest(bits), allowed);
        if (state.uniformAllowed.empty() || state.uniformAllowed.back().bits != allowed)
            state.uniformAllowed.push_back(state.priced(Rule::Uniform, std::move(allowed), 0));
    }
    return {};
}

} // namespace

Result<Allocator> Allocator::create(const Sensitivity& sensitivity, const Constraints& constraints,
                                    std::optional<Objective> objective)
{
    if (sensitivity.linears.empty())
        return makeError(Errc::BadInput, "there are no linear layers to give bits to");
    for (const LinearSensitivity& linear : sensitivity.linears) {
        const LinearRule rule = ruleOf(constraints, linear.name);
        std::vector<int> all;
        for (const Choice& choice : linear.choices)
            all.push_back(choice.bits);
        if (std::none_of(all.begin(), all.end(), [&](int bits) { return rule.allows(bits); }))
            return makeError(Errc::BadInput, "this linear layer has no width that its rule allows")
                .at(linear.name)
                .butFound(inWords(rule))
                .wanted("one of " + listed(all));
    }
    auto state = std::make_unique<State>();
    SA_TRY(state->objective, chooseObjective(sensitivity, constraints, objective));
    const bool isOpt = sensitivity.model.architecture.starts_with("OPT");
    for (const LinearSensitivity& linear : sensitivity.linears) {
        SA_TRY(State::Linear made, makeLinear(linear, ruleOf(constraints, linear.name), state->objective, isOpt));
        state->linears.push_back(std::move(made));
    }
    state->weights = sensitivity.weights();
    SA_TRY(const auto leader, leaders(*state, constraints));
    SA_CHECK(addGroups(*state, leader));
    state->provenance = worstProvenance(*state);
    SA_CHECK(prepare(*state));
    return Allocator(std::move(state));
}

} // namespace sa
