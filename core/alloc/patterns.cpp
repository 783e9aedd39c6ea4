// SPDX-License-Identifier: GPL-3.0-or-later
// How people name linears: exact names, parts of names, globs, regular expressions.
#include "core/alloc/constraints.h"

#include <fnmatch.h>

#include <algorithm>
#include <functional>
#include <regex>

namespace sa
{

namespace
{

using Matcher = std::function<bool(const std::string& name)>;

bool isGlob(const std::string& pattern)
{
    return pattern.find_first_of("*?[") != std::string::npos;
}

bool globMatches(const std::string& pattern, const std::string& text)
{
    return ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

Result<Matcher> matcherOf(const std::string& pattern)
{
    if (pattern.size() >= 3 && pattern.front() == '/' && pattern.back() == '/') {
        try {
            const std::regex expression(pattern.substr(1, pattern.size() - 2));
            return Matcher([expression](const std::string& name) { return std::regex_search(name, expression); });
        } catch (const std::regex_error& error) {
            return makeError(Errc::BadInput, "this is not a regular expression")
                .butFound(display(pattern))
                .tryThis(display(error.what()));
        }
    }
    if (isGlob(pattern))
        return Matcher([pattern](const std::string& name) { return globMatches(pattern, name); });
    return Matcher([part = "." + pattern + "."](const std::string& name) {
        return ("." + name + ".").find(part) != std::string::npos;
    });
}

Error nothingNamed(const Sensitivity& sensitivity, const std::string& pattern)
{
    Error error = makeError(Errc::BadInput, "no linear layer has this name").butFound(display(pattern));
    if (!sensitivity.linears.empty())
        error.expected = "a name such as " + display(sensitivity.linears.front().name) + ", or a pattern";
    return error;
}

Result<int> bitsOf(const std::string& text, const std::string& whole)
{
    for (const int bits : {1, 2, 3, 4, kKeptBits})
        if (text == std::to_string(bits))
            return bits;
    return makeError(Errc::BadInput, "bits are 1, 2, 3, 4, or 16 for a layer that is kept as it is")
        .butFound(display(whole));
}

struct Demand {
    std::string pattern;
    LinearRule rule;
};

Result<Demand> parseDemand(const RuleText& text)
{
    Demand out;
    out.pattern = text.text;
    if (text.kind == RuleText::Kind::Exclude) {
        out.rule.excluded = true;
        return out;
    }
    const bool isPin = text.kind == RuleText::Kind::Pin;
    const auto equals = text.text.rfind('='); // a regular expression may hold others
    if (equals == std::string::npos || equals == 0)
        return makeError(Errc::BadInput, isPin ? "a pin has the form NAME=BITS" : "a range has the form NAME=LOW..HIGH")
            .butFound(display(text.text));
    out.pattern = text.text.substr(0, equals);
    const std::string value = text.text.substr(equals + 1);
    if (isPin) {
        SA_TRY(out.rule.pin, bitsOf(value, text.text));
        return out;
    }
    const auto dots = value.find("..");
    if (dots == std::string::npos)
        return makeError(Errc::BadInput, "a range has the form NAME=LOW..HIGH").butFound(display(text.text));
    SA_TRY(out.rule.low, bitsOf(value.substr(0, dots), text.text));
    SA_TRY(out.rule.high, bitsOf(value.substr(dots + 2), text.text));
    if (*out.rule.low > *out.rule.high)
        return makeError(Errc::BadInput, "a range goes from fewer bits to more").butFound(display(text.text));
    return out;
}

/// What was said of one linear, and whether it was named exactly.
struct Said {
    LinearRule rule;
    bool pinExact = false, rangeExact = false, excludeExact = false;
};

void hear(Said& said, const LinearRule& rule, bool exact)
{
    const auto overrides = [exact](bool isSet, bool& wasExact) {
        if (isSet && wasExact && !exact)
            return false;
        wasExact = exact;
        return true;
    };
    if (rule.excluded && overrides(said.rule.excluded, said.excludeExact))
        said.rule.excluded = true;
    if (rule.pin && overrides(said.rule.pin.has_value(), said.pinExact))
        said.rule.pin = rule.pin;
    if (rule.low && overrides(said.rule.low.has_value(), said.rangeExact)) {
        said.rule.low = rule.low;
        said.rule.high = rule.high;
    }
}

Error contradiction(const std::string& name, const std::string& found)
{
    return makeError(Errc::BadInput, "the demands on a linear layer contradict each other").at(name).butFound(found);
}

Result<LinearRule> settled(const std::string& name, Said said)
{
    LinearRule& rule = said.rule;
    if (rule.excluded && rule.pin && *rule.pin != kKeptBits) {
        if (said.excludeExact == said.pinExact)
            return contradiction(name, "excluded and pinned to " + std::to_string(*rule.pin));
        if (said.pinExact)
            rule.excluded = false;
        else
            rule.pin.reset();
    }
    if (!rule.low || !(rule.excluded || rule.pin))
        return rule;
    const int fixed = rule.excluded ? kKeptBits : *rule.pin;
    const bool fixedExact = rule.excluded ? said.excludeExact : said.pinExact;
    if ((fixed < *rule.low || fixed > *rule.high) && fixedExact == said.rangeExact)
        return contradiction(name, (rule.excluded ? "excluded" : "pinned to " + std::to_string(fixed)) +
                                       " and within " + std::to_string(*rule.low) + ".." + std::to_string(*rule.high));
    if (!fixedExact && said.rangeExact && (fixed < *rule.low || fixed > *rule.high)) {
        rule.excluded = false;
        rule.pin.reset();
    } else {
        rule.low.reset();
        rule.high.reset();
    }
    return rule;
}

} // namespace

Result<std::vector<std::string>> matchLinears(const Sensitivity& sensitivity, const std::string& pattern)
{
    if (sensitivity.find(pattern))
        return std::vector<std::string>{pattern};
    SA_TRY(const Matcher matches, matcherOf(pattern));
    std::vector<std::string> out;
    try {
        for (const LinearSensitivity& linear : sensitivity.linears)
            if (matches(linear.name))
                out.push_back(linear.name);
    } catch (const std::regex_error&) { // too complex for the library
        return makeError(Errc::BadInput, "this regular expression takes too long").butFound(display(pattern));
    }
    if (pattern.empty() || out.empty())
        return nothingNamed(sensitivity, pattern);
    return out;
}

Result<std::map<std::string, LinearRule>> resolveRules(const Sensitivity& sensitivity,
                                                       const std::vector<RuleText>& texts)
{
    std::map<std::string, Said> said;
    for (const RuleText& text : texts) {
        SA_TRY(const Demand demand, parseDemand(text));
        SA_TRY(const auto names, matchLinears(sensitivity, demand.pattern));
        for (const std::string& name : names)
            hear(said[name], demand.rule, name == demand.pattern);
    }
    std::map<std::string, LinearRule> out;
    for (const auto& [name, all] : said) {
        SA_TRY(out[name], settled(name, all));
    }
    return out;
}

Result<std::vector<std::vector<std::string>>> linksByProjection(const Sensitivity& sensitivity,
                                                                const std::vector<std::string>& projections)
{
    std::map<int, std::vector<std::string>> blocks;
    std::vector<bool> used(projections.size(), false);
    for (const LinearSensitivity& linear : sensitivity.linears) {
        bool matches = false;
        for (std::size_t i = 0; i < projections.size(); ++i) {
            const std::string& word = projections[i];
            if (linear.projection != word && linear.projection != word + "_proj" &&
                !(isGlob(word) && globMatches(word, linear.projection)))
                continue;
            matches = used[i] = true;
        }
        if (matches)
            blocks[linear.block].push_back(linear.name);
    }
    if (const auto unused = std::find(used.begin(), used.end(), false); unused != used.end())
        return makeError(Errc::BadInput, "no linear layer is called this")
            .butFound(display(projections[static_cast<std::size_t>(unused - used.begin())]));
    std::vector<std::vector<std::string>> out;
    for (auto& [block, names] : blocks)
        if (names.size() > 1)
            out.push_back(std::move(names));
    return out;
}

} // namespace sa
