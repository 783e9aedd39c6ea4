// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/alloc/constraints.h"

#include "core/alloc/json_fields.h"

#include <utility>

namespace sa
{

namespace
{

Json toJson(const LinearRule& rule)
{
    Json out = Json::object();
    if (rule.excluded)
        out["excluded"] = true;
    if (rule.pin)
        out["pin"] = *rule.pin;
    if (rule.low)
        out["low"] = *rule.low;
    if (rule.high)
        out["high"] = *rule.high;
    return out;
}

Result<std::optional<int>> bitsAt(const JsonField& object, const char* key)
{
    const auto field = object.find(key);
    if (!field)
        return std::optional<int>();
    SA_TRY(const int bits, bitsFrom(*field));
    return std::optional(bits);
}

Result<LinearRule> ruleFrom(const JsonField& field)
{
    SA_CHECK(refuseUnknownMembers(field, {"pin", "low", "high", "excluded"}));
    LinearRule out;
    SA_TRY(out.pin, bitsAt(field, "pin"));
    SA_TRY(out.low, bitsAt(field, "low"));
    SA_TRY(out.high, bitsAt(field, "high"));
    SA_TRY(out.excluded, field.boolOr("excluded", false));
    if (out.low && out.high && *out.low > *out.high)
        return field.wrong("low at most high");
    return out;
}

} // namespace

bool LinearRule::allows(int bits) const
{
    if (excluded)
        return bits == kKeptBits;
    if (pin)
        return bits == *pin;
    return (!low || bits >= *low) && (!high || bits <= *high);
}

Json toJson(const Constraints& constraints)
{
    Json rules = Json::object();
    for (const auto& [linear, rule] : constraints.rules)
        if (!rule.empty())
            rules[linear] = toJson(rule);
    return {{"rules", std::move(rules)}, {"links", constraints.links}};
}

Result<Constraints> constraintsFromJson(const JsonField& field)
{
    SA_CHECK(refuseUnknownMembers(field, {"rules", "links"}));
    Constraints out;
    if (const auto rules = field.find("rules")) {
        SA_TRY(const auto members, rules->members());
        for (const auto& [linear, member] : members) {
            SA_TRY(out.rules[linear], ruleFrom(member));
        }
    }
    if (const auto links = field.find("links")) {
        SA_TRY(const auto groups, links->elements(kMaxLinears));
        for (const JsonField& group : groups) {
            SA_TRY(const auto elements, group.elements(kMaxLinears));
            std::vector<std::string>& names = out.links.emplace_back();
            for (const JsonField& element : elements) {
                SA_TRY(std::string linear, linearName(element));
                names.push_back(std::move(linear));
            }
        }
    }
    return out;
}

std::vector<std::vector<std::string>> linksBySharedInput(const Sensitivity& sensitivity)
{
    std::map<std::pair<int, std::string>, std::vector<std::string>> groups;
    for (const LinearSensitivity& linear : sensitivity.linears)
        if (!linear.input.empty())
            groups[{linear.block, linear.input}].push_back(linear.name);
    std::vector<std::vector<std::string>> out;
    for (auto& [place, names] : groups)
        if (names.size() > 1)
            out.push_back(std::move(names));
    return out;
}

} // namespace sa
