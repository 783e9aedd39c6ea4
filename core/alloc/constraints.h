// SPDX-License-Identifier: GPL-3.0-or-later
// What a person demands of a plan: widths of single linears, and linears that must have the same width.
#pragma once

#include "core/alloc/sensitivity.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sa
{

struct LinearRule {
    std::optional<int> pin;       ///< exactly these bits
    std::optional<int> low, high; ///< these bits and what is between, both ends included
    bool excluded = false;        ///< kept as it is: a pin to kKeptBits

    bool empty() const { return !pin && !low && !high && !excluded; }
    bool allows(int bits) const;
    bool operator==(const LinearRule&) const = default;
};

struct Constraints {
    std::map<std::string, LinearRule> rules;     ///< by linear name; a linear without an entry is free
    std::vector<std::vector<std::string>> links; ///< groups of linear names; overlapping groups become one

    bool empty() const { return rules.empty() && links.empty(); }
    bool operator==(const Constraints&) const = default;
};

/// {"rules": {NAME: {"pin": 3} | {"low": 2, "high": 3} | {"excluded": true}}, "links": [[NAME, ...], ...]}
Json toJson(const Constraints& constraints);
Result<Constraints> constraintsFromJson(const JsonField& field);

/// Linears of a block that read the same input, one group each (q/k/v, gate/up); groups of one are left out.
std::vector<std::vector<std::string>> linksBySharedInput(const Sensitivity& sensitivity);
/// In every block those linears whose projection is named: in full ("q_proj"), without "_proj" ("q"), or by a pattern.
/// BadInput names a word that no linear answers to.
Result<std::vector<std::vector<std::string>>> linksByProjection(const Sensitivity& sensitivity,
                                                                const std::vector<std::string>& projections);

/// Names of linears that `pattern` means, in the model's order: an exact name; a glob over the whole name (* ? [a-z]);
/// a regular expression between slashes, found anywhere in the name; or some successive parts of the name ("q_proj",
/// "layers.3", "mlp.up_proj"). BadInput when it is malformed or means nothing.
Result<std::vector<std::string>> matchLinears(const Sensitivity& sensitivity, const std::string& pattern);

/// One demand as a person writes it. In a list, an exact name goes before a pattern, and later ones before earlier
/// ones.
struct RuleText {
    enum class Kind { Pin, Range, Exclude };
    Kind kind = Kind::Pin;
    std::string text; ///< "NAME=3", "NAME=2..3", "NAME"
};
/// BadInput names the text, or the linear whose demands contradict each other.
Result<std::map<std::string, LinearRule>> resolveRules(const Sensitivity& sensitivity,
                                                       const std::vector<RuleText>& texts);

} // namespace sa
