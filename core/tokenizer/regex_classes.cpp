// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/regex_classes.h"

#include "core/tokenizer/unicode.h"

#include <array>
#include <cstdio>
#include <utility>

namespace sa::tokenizer
{

namespace
{

// Members of character classes, written for the inside of [...]. White_Space is spelled out because PCRE2's \s adds
// U+180E, and because ranges below U+0100 become a fast bitmap.
constexpr const char* kSpace = "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}"
                               "\\x{202f}\\x{205f}\\x{3000}";
// Oniguruma's \w: letters, marks, digits, letter numbers, connectors, the symbols of Other_Alphabetic, and the six
// superscripts and fractions of Latin-1.
constexpr const char* kWord = "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}\\x{24b6}-\\x{24e9}"
                              "\\x{1f130}-\\x{1f149}\\x{1f150}-\\x{1f169}"
                              "\\x{1f170}-\\x{1f189}";
constexpr const char* kHexDigit = "0-9A-Fa-f";
constexpr const char* kPunctuation = "\\p{P}\\p{S}";

struct NamedSet {
    std::string_view name;
    const char* members;
};
constexpr std::array<NamedSet, 7> kPosixSets{{
    {"space", kSpace},
    {"digit", "\\p{Nd}"},
    {"alpha", "\\p{Alphabetic}"},
    {"upper", "\\p{Uppercase}"},
    {"lower", "\\p{Lowercase}"},
    {"xdigit", kHexDigit},
    {"punct", kPunctuation},
}};
/// Spellings of properties that PCRE2 knows by other names only.
constexpr std::array<std::pair<std::string_view, std::string_view>, 17> kLongNames{{
    {"Alpha", "Alphabetic"},
    {"Digit", "Nd"},
    {"Lower", "Lowercase"},
    {"Upper", "Uppercase"},
    {"Space", "White_Space"},
    {"Letter", "L"},
    {"Uppercase_Letter", "Lu"},
    {"Lowercase_Letter", "Ll"},
    {"Titlecase_Letter", "Lt"},
    {"Modifier_Letter", "Lm"},
    {"Other_Letter", "Lo"},
    {"Mark", "M"},
    {"Number", "N"},
    {"Decimal_Number", "Nd"},
    {"Punctuation", "P"},
    {"Symbol", "S"},
    {"Separator", "Z"},
}};

constexpr int kMaxClassDepth = 16;

bool isDigit(char c)
{
    return c >= '0' && c <= '9';
}

bool isHexDigit(char c)
{
    return isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool isLetter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

} // namespace

std::string codePointText(char32_t c)
{
    char buffer[16];
    std::snprintf(buffer, sizeof buffer, "\\x{%x}", static_cast<unsigned>(c));
    return buffer;
}

std::string wordClass(bool negated)
{
    return std::string(negated ? "[^" : "[") + kWord + "]";
}

std::string spaceClass(bool negated)
{
    return std::string(negated ? "[^" : "[") + kSpace + "]";
}

Error PatternReader::unsupported(const std::string& what) const
{
    return makeError(Errc::Unsupported, "this regular expression uses " + what + ", which is not supported")
        .butFound(display(std::string(m_in)));
}

Error PatternReader::broken(const std::string& what) const
{
    return makeError(Errc::BadFormat, "this regular expression is invalid (" + what + ")")
        .butFound(display(std::string(m_in)));
}

Result<char32_t> PatternReader::hexEscape(char kind)
{
    const bool braces = kind == 'x' && ahead("{");
    if (braces)
        ++m_at;
    const std::size_t most = braces ? 8 : kind == 'u' ? 4 : 2;
    char32_t value = 0;
    std::size_t digits = 0;
    while (!done() && digits < most && isHexDigit(m_in[m_at])) {
        const char c = m_in[m_at++];
        value = value * 16 + static_cast<char32_t>(isDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
        ++digits;
    }
    if (digits == 0 || (kind == 'u' && digits != 4))
        return broken("a hexadecimal escape without its digits");
    if (braces) {
        if (!ahead("}"))
            return broken("\\x{ without }");
        ++m_at;
    } else if (kind == 'x' && value >= 0x80) {
        return unsupported("a single byte above 7F");
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return broken("a code point out of range");
    return value;
}

/// After "\p" or "\P": "{Name}" or "{^Name}", in PCRE2's spelling.
Result<std::string> PatternReader::property()
{
    const bool complement = m_in[m_at - 1] == 'P';
    const std::size_t close = m_in.find('}', m_at);
    if (!ahead("{") || close == std::string_view::npos)
        return broken("a property without braces");
    std::string_view name = m_in.substr(m_at + 1, close - m_at - 1);
    m_at = close + 1;
    bool inverted = complement;
    if (!name.empty() && name.front() == '^') {
        inverted = !inverted;
        name.remove_prefix(1);
    }
    for (const auto& [longName, shortName] : kLongNames)
        if (name == longName)
            name = shortName;
    for (const char c : name)
        if (!isLetter(c) && !isDigit(c) && c != '_' && c != ' ' && c != '-')
            return broken("a property with a strange name");
    return (inverted ? "\\P{" : "\\p{") + std::string(name) + "}";
}

Result<PatternReader::Member> PatternReader::classEscape()
{
    if (done())
        return broken("a backslash at the end");
    const char c = m_in[m_at++];
    const auto set = [](std::string text) { return Member{std::nullopt, std::move(text)}; };
    const auto character = [](char32_t value) { return Member{value, {}}; };
    switch (c) {
    case 's':
        return set(kSpace);
    case 'S':
        return set("\\P{White_Space}");
    case 'd':
        return set("\\p{Nd}");
    case 'D':
        return set("\\P{Nd}");
    case 'w':
        return set(kWord);
    case 'h':
        return set(kHexDigit);
    case 'n':
        return character('\n');
    case 'r':
        return character('\r');
    case 't':
        return character('\t');
    case 'f':
        return character('\f');
    case 'v':
        return character('\v');
    case 'a':
        return character('\a');
    case 'b':
        return character('\b');
    case 'e':
        return character(0x1B);
    case 'p':
    case 'P': {
        SA_TRY(std::string name, property());
        return set(std::move(name));
    }
    case 'x':
    case 'u': {
        SA_TRY(const char32_t value, hexEscape(c));
        return character(value);
    }
    default:
        break;
    }
    if (isLetter(c) || isDigit(c))
        return unsupported(std::string("the escape \\") + c + " in a character class");
    --m_at;
    return character(nextCodePoint(m_in, m_at));
}

Result<PatternReader::Member> PatternReader::classMember(int depth)
{
    if (ahead("[:")) {
        const std::size_t close = m_in.find(":]", m_at);
        const std::string_view name =
            close == std::string_view::npos ? std::string_view() : m_in.substr(m_at + 2, close - m_at - 2);
        for (const auto& entry : kPosixSets) {
            if (entry.name == name) {
                m_at = close + 2;
                return Member{std::nullopt, entry.members};
            }
        }
        return unsupported("the bracket [:" + std::string(name) + ":]");
    }
    if (ahead("&&"))
        return unsupported("an intersection of character classes (&&)");
    if (m_in[m_at] == '[') {
        ++m_at;
        SA_TRY(const Class nested, classBody(depth + 1));
        if (nested.negated)
            return unsupported("a negated class inside a class");
        return Member{std::nullopt, nested.members};
    }
    if (m_in[m_at] == '\\') {
        ++m_at;
        return classEscape();
    }
    return Member{nextCodePoint(m_in, m_at), {}};
}

/// After '[': up to and including its ']'.
Result<PatternReader::Class> PatternReader::classBody(int depth)
{
    if (depth > kMaxClassDepth)
        return unsupported("deeply nested character classes");
    Class out;
    if (ahead("^")) {
        out.negated = true;
        ++m_at;
    }
    bool first = true;
    while (true) {
        if (done())
            return broken("a character class without its end");
        if (m_in[m_at] == ']' && !first) {
            ++m_at;
            return out;
        }
        first = false;
        SA_TRY(const Member member, classMember(depth));
        if (!member.character) {
            out.members += member.set;
            continue;
        }
        out.members += codePointText(*member.character);
        const bool range = ahead("-") && m_at + 1 < m_in.size() && m_in[m_at + 1] != ']';
        if (!range)
            continue;
        ++m_at;
        SA_TRY(const Member last, classMember(depth));
        if (!last.character)
            return unsupported("a range that ends in a set");
        if (*last.character < *member.character)
            return broken("a range whose end comes before its start");
        out.members += "-" + codePointText(*last.character);
    }
}

} // namespace sa::tokenizer
