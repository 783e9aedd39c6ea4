// SPDX-License-Identifier: GPL-3.0-or-later
// What a Split or Replace looks for: a literal text, or a regular expression.
#pragma once

#include "core/base/json.h"
#include "core/tokenizer/regex.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sa::tokenizer
{

class Pattern
{
public:
    /// `field` is {"String": "..."} or {"Regex": "..."}.
    static Result<Pattern> read(const JsonField& field);
    /// A pattern of the program itself; `regex` must be valid.
    static Result<Pattern> fromRegex(std::string_view regex);

    /// Appends `text` to `out` with every match replaced by `content`.
    void replace(std::string_view text, std::string_view content, std::string& out, RegexScratch& scratch) const;
    /// Covers `text` (not empty) with spans in order.
    void split(std::string_view text, std::vector<Span>& out, RegexScratch& scratch) const;

    /// The literal text, or empty for a regular expression.
    const std::string& literal() const { return m_literal; }
    /// The least bytes that a match takes: bounds how much a replacement can lengthen a text.
    std::size_t minMatchBytes() const { return m_regex ? 1 : m_literal.size(); }

private:
    std::string m_literal;
    std::optional<Regex> m_regex;
};

} // namespace sa::tokenizer
