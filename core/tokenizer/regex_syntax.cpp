// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/regex_syntax.h"

#include "core/tokenizer/regex_classes.h"
#include "core/tokenizer/unicode.h"

#include <vector>

namespace sa::tokenizer
{

namespace
{

bool isDigit(char c)
{
    return c >= '0' && c <= '9';
}

class Translator : private PatternReader
{
public:
    explicit Translator(std::string_view pattern)
        : PatternReader(pattern)
    {
    }
    Result<std::string> run();

private:
    Result<void> group();
    Result<void> options();
    Result<void> escape();
    bool interval();
    void wrapIfQuantified();
    void atom(std::string_view text);

    std::string m_out;
    std::size_t m_atomStart = 0;       ///< in m_out: what a quantifier would apply to
    bool m_quantified = false;         ///< the last atom already has a quantifier
    std::vector<std::size_t> m_groups; ///< starts of the open groups in m_out
};

void Translator::atom(std::string_view text)
{
    m_atomStart = m_out.size();
    m_quantified = false;
    m_out += text;
}

/// `a{2}+` repeats `a{2}` in Ruby's syntax; PCRE2 would read a possessive interval.
void Translator::wrapIfQuantified()
{
    if (!m_quantified)
        return;
    m_out.insert(m_atomStart, "(?:");
    m_out += ')';
}

/// At '{': copies an interval, or returns false when the brace is a literal.
bool Translator::interval()
{
    std::size_t at = m_at + 1;
    const auto number = [&] {
        const std::size_t begin = at;
        while (at < m_in.size() && isDigit(m_in[at]))
            ++at;
        return std::string(m_in.substr(begin, at - begin));
    };
    std::string low = number();
    const bool comma = at < m_in.size() && m_in[at] == ',';
    if (comma)
        ++at;
    const std::string high = comma ? number() : std::string();
    if (at >= m_in.size() || m_in[at] != '}' || (low.empty() && high.empty()))
        return false;
    m_at = at + 1;
    if (low.empty())
        low = "0";
    wrapIfQuantified();
    m_out += "{" + low + (comma ? "," : "") + high + "}";
    m_quantified = true;
    // Only an interval with a comma can be made lazy; "{n}?" makes the whole repetition optional.
    if (comma && !done() && m_in[m_at] == '?') {
        m_out += '?';
        ++m_at;
    }
    return true;
}

/// After a backslash outside of classes.
Result<void> Translator::escape()
{
    if (done())
        return broken("a backslash at the end");
    const char c = m_in[m_at];
    const auto simple = [&](const std::string& text) {
        ++m_at;
        atom(text);
        return Result<void>();
    };
    const std::string word = wordClass(false);
    switch (c) {
    case 'S':
        return simple(spaceClass(true));
    case 'W':
        return simple(wordClass(true));
    case 'D':
        return simple("\\P{Nd}");
    case 'b':
        return simple("(?:(?<=" + word + ")(?!" + word + ")|(?<!" + word + ")(?=" + word + "))");
    case 'B':
        return simple("(?:(?<=" + word + ")(?=" + word + ")|(?<!" + word + ")(?!" + word + "))");
    case 'A':
    case 'z':
    case 'Z':
    case 'R':
        return simple(std::string("\\") + c);
    default:
        break;
    }
    SA_TRY(const Member member, classEscape());
    atom(member.character ? codePointText(*member.character) : "[" + member.set + "]");
    return {};
}

/// After "(?", where option letters follow: "(?i:" or, at the very start of the pattern, "(?i)".
Result<void> Translator::options()
{
    const bool atStart = m_at == 2;
    std::string flags;
    while (!done() && m_in[m_at] != ':' && m_in[m_at] != ')') {
        const char c = m_in[m_at++];
        if (c == 'i' || c == '-')
            flags += c;
        else if (c == 'm')
            flags += 's'; // Ruby's m lets the dot match newlines
        else
            return unsupported(std::string("the group (?") + c);
    }
    if (done())
        return broken("a group without its end");
    if (m_in[m_at++] == ')') {
        if (!atStart)
            return unsupported("an option in the middle");
        m_out += "(?" + flags + ")";
        m_atomStart = m_out.size();
        return {};
    }
    m_groups.push_back(m_out.size());
    m_out += "(?" + flags + ":";
    return {};
}

/// At '('.
Result<void> Translator::group()
{
    ++m_at;
    if (ahead("*"))
        return broken("nothing to repeat");
    if (ahead("?#")) {
        const std::size_t close = m_in.find(')', m_at);
        if (close == std::string_view::npos)
            return broken("a comment without its end");
        m_at = close + 1;
        return {};
    }
    if (ahead("?")) {
        for (const std::string_view opening : {"?:", "?=", "?!", "?<=", "?<!", "?>"}) {
            if (ahead(opening)) {
                m_at += opening.size();
                m_groups.push_back(m_out.size());
                m_out += '(';
                m_out += opening;
                return {};
            }
        }
        if (ahead("?<")) { // a named group; names are of no use here
            const std::size_t close = m_in.find('>', m_at);
            if (close == std::string_view::npos)
                return broken("a group name without its end");
            m_at = close + 1;
        } else {
            ++m_at;
            return options();
        }
    }
    m_groups.push_back(m_out.size());
    m_out += "(?:"; // nothing refers back to groups, and without captures matching is cheaper
    return {};
}

Result<std::string> Translator::run()
{
    while (!done()) {
        const char c = m_in[m_at];
        switch (c) {
        case '(':
            SA_CHECK(group());
            m_quantified = false;
            break;
        case ')':
            if (m_groups.empty())
                return broken("an unmatched )");
            ++m_at;
            m_out += ')';
            m_atomStart = m_groups.back();
            m_groups.pop_back();
            m_quantified = false;
            break;
        case '[': {
            ++m_at;
            SA_TRY(const Class characters, classBody(0));
            atom((characters.negated ? "[^" : "[") + characters.members + "]");
            break;
        }
        case '\\':
            ++m_at;
            SA_CHECK(escape());
            break;
        case '*':
        case '+':
        case '?':
            wrapIfQuantified();
            m_out += c;
            ++m_at;
            m_quantified = true;
            if (!done() && (m_in[m_at] == '?' || m_in[m_at] == '+'))
                m_out += m_in[m_at++];
            break;
        case '{':
            if (!interval()) {
                atom("\\{");
                ++m_at;
            }
            break;
        case '|':
            m_out += c;
            ++m_at;
            m_atomStart = m_out.size();
            m_quantified = false;
            break;
        case ']':
        case '}':
            atom(std::string("\\") + c);
            ++m_at;
            break;
        default: {
            const std::size_t begin = m_at;
            nextCodePoint(m_in, m_at);
            atom(m_in.substr(begin, m_at - begin));
            break;
        }
        }
    }
    if (!m_groups.empty())
        return broken("a group without its end");
    return std::move(m_out);
}

} // namespace

Result<std::string> toPcre2Syntax(std::string_view pattern)
{
    return Translator(pattern).run();
}

} // namespace sa::tokenizer
