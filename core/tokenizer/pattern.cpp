// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/pattern.h"

namespace sa::tokenizer
{

Result<Pattern> Pattern::read(const JsonField& field)
{
    SA_TRY(const auto members, field.members());
    if (members.size() != 1)
        return field.wrong("an object with one field, \"String\" or \"Regex\"");
    const auto& [kind, value] = members.front();
    Pattern out;
    if (kind == "String") {
        SA_TRY(out.m_literal, value.asString());
        if (out.m_literal.empty())
            return value.wrong("a text that is not empty");
        return out;
    }
    if (kind != "Regex")
        return field.wrong("an object with one field, \"String\" or \"Regex\"");
    SA_TRY(const std::string text, value.asString());
    if (text.empty())
        return value.wrong("a regular expression that is not empty");
    auto regex = Regex::compile(text);
    if (!regex)
        return std::move(regex).error().in(value.file()).at(value.path());
    out.m_regex = *std::move(regex);
    return out;
}

Result<Pattern> Pattern::fromRegex(std::string_view regex)
{
    Pattern out;
    SA_TRY(out.m_regex, Regex::compile(regex));
    return out;
}

void Pattern::replace(std::string_view text, std::string_view content, std::string& out, RegexScratch& scratch) const
{
    if (m_regex) {
        if (text.empty())
            return;
        std::vector<Span> spans;
        m_regex->split(text, spans, scratch);
        for (const Span& span : spans)
            out.append(span.matched ? content : text.substr(span.begin, span.end - span.begin));
        return;
    }
    std::size_t from = 0;
    for (std::size_t at = 0; (at = text.find(m_literal, from)) != std::string_view::npos;
         from = at + m_literal.size()) {
        out.append(text, from, at - from);
        out.append(content);
    }
    out.append(text, from, text.size() - from);
}

void Pattern::split(std::string_view text, std::vector<Span>& out, RegexScratch& scratch) const
{
    if (m_regex) {
        m_regex->split(text, out, scratch);
        return;
    }
    out.clear();
    std::size_t from = 0;
    for (std::size_t at = 0; (at = text.find(m_literal, from)) != std::string_view::npos;
         from = at + m_literal.size()) {
        if (from != at)
            out.push_back({from, at, false});
        out.push_back({at, at + m_literal.size(), true});
    }
    if (from != text.size())
        out.push_back({from, text.size(), false});
}

} // namespace sa::tokenizer
