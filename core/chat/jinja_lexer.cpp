// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/chat/jinja_lexer.h"

#include "core/tokenizer/unicode.h"

#include <algorithm>
#include <cctype>

namespace sa::jinja
{

namespace
{

using Kind = Token::Kind;

bool isSpace(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}
bool isNameStart(char c)
{
    return std::isalpha(static_cast<unsigned char>(c)) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool isDigit(char c)
{
    return c >= '0' && c <= '9';
}

std::string withUnixLines(std::string_view source)
{
    std::string out;
    out.reserve(source.size());
    for (std::size_t i = 0; i < source.size(); ++i) {
        if (source[i] != '\r') {
            out += source[i];
            continue;
        }
        out += '\n';
        if (i + 1 < source.size() && source[i + 1] == '\n')
            ++i;
    }
    if (out.ends_with('\n')) // the reference drops one newline at the end
        out.pop_back();
    return out;
}

class Lexer
{
public:
    explicit Lexer(std::string source)
        : m_source(std::move(source))
    {
    }

    Result<std::vector<Token>> run()
    {
        while (m_at < m_source.size())
            SA_CHECK(section());
        push(Kind::End, {});
        return std::move(m_tokens);
    }

private:
    Error wrong(const std::string& what) const
    {
        return makeError(Errc::BadFormat, "the chat template is not well formed")
            .at("line " + std::to_string(m_line))
            .butFound(what);
    }
    void push(Kind kind, std::string text) { m_tokens.push_back({kind, std::move(text), m_line}); }
    bool ahead(std::string_view text) const { return std::string_view(m_source).substr(m_at).starts_with(text); }
    void advance(std::size_t count)
    {
        m_line += static_cast<int>(std::count(m_source.begin() + static_cast<std::ptrdiff_t>(m_at),
                                              m_source.begin() + static_cast<std::ptrdiff_t>(m_at + count), '\n'));
        m_at += count;
    }
    void skipSpace()
    {
        std::size_t end = m_at;
        while (end < m_source.size() && isSpace(m_source[end]))
            ++end;
        advance(end - m_at);
    }
    char at(std::size_t place) const { return place < m_source.size() ? m_source[place] : '\0'; }

    /// Text up to the next "{{", "{%" or "{#", and what that begins.
    Result<void> section()
    {
        std::size_t begin = m_at;
        while ((begin = m_source.find('{', begin)) != std::string::npos && at(begin + 1) != '{' &&
               at(begin + 1) != '%' && at(begin + 1) != '#')
            ++begin;
        if (begin == std::string::npos) {
            push(Kind::Data, m_source.substr(m_at));
            m_at = m_source.size();
            return {};
        }
        std::string data = m_source.substr(m_at, begin - m_at);
        const char kind = m_source[begin + 1];
        const char sign = at(begin + 2);
        if (sign == '-') {
            while (!data.empty() && isSpace(data.back()))
                data.pop_back();
        } else if (sign != '+' && kind != '{') {
            const std::size_t lineBegin = data.rfind('\n') + 1; // npos + 1 is 0
            const bool blank = std::all_of(data.begin() + static_cast<std::ptrdiff_t>(lineBegin), data.end(), isSpace);
            if (blank && (lineBegin > 0 || m_lineStarts))
                data.resize(lineBegin);
        }
        if (!data.empty())
            push(Kind::Data, std::move(data));
        advance(begin - m_at);
        advance(2 + (sign == '-' || sign == '+' ? 1 : 0));
        if (kind == '#')
            return comment();
        if (kind == '%') {
            bool isRaw = false;
            SA_CHECK(raw(isRaw));
            if (isRaw)
                return {};
        }
        push(kind == '{' ? Kind::VariableBegin : Kind::BlockBegin, {});
        return expression(kind == '{');
    }

    /// After the end mark of a block or a comment: the sign decides about white space.
    void afterEnd(char sign, bool trims)
    {
        if (sign == '-')
            skipSpace();
        else if (trims && sign != '+' && at(m_at) == '\n')
            advance(1);
        m_lineStarts = m_at > 0 && m_source[m_at - 1] == '\n';
    }

    Result<void> comment()
    {
        const std::size_t end = m_source.find("#}", m_at);
        if (end == std::string::npos)
            return wrong("a comment without an end");
        const char sign = end > m_at ? m_source[end - 1] : '\0';
        advance(end + 2 - m_at);
        afterEnd(sign, true);
        return {};
    }

    Result<void> raw(bool& isRaw)
    {
        std::size_t place = m_at;
        const auto skip = [&] {
            while (isSpace(at(place)))
                ++place;
        };
        skip();
        if (m_source.compare(place, 3, "raw") != 0)
            return {};
        place += 3;
        skip();
        const char sign = at(place) == '-' ? '-' : '\0';
        if (sign)
            ++place;
        if (at(place) != '%' || at(place + 1) != '}')
            return {};
        isRaw = true;
        advance(place + 2 - m_at);
        if (sign)
            skipSpace();
        for (std::size_t begin = m_at; (begin = m_source.find("{%", begin)) != std::string::npos; begin += 2) {
            place = begin + 2;
            const char beginSign = at(place);
            if (beginSign == '-' || beginSign == '+')
                ++place;
            skip();
            if (m_source.compare(place, 6, "endraw") != 0)
                continue;
            place += 6;
            skip();
            const char endSign = at(place);
            if (endSign == '-' || endSign == '+')
                ++place;
            if (at(place) != '%' || at(place + 1) != '}')
                continue;
            std::string data = m_source.substr(m_at, begin - m_at);
            if (beginSign == '-')
                while (!data.empty() && isSpace(data.back()))
                    data.pop_back();
            push(Kind::Data, std::move(data));
            advance(place + 2 - m_at);
            afterEnd(endSign, true);
            return {};
        }
        return wrong("raw without endraw");
    }

    Result<void> expression(bool isVariable)
    {
        int open = 0;
        while (true) {
            skipSpace();
            if (m_at >= m_source.size())
                return wrong(isVariable ? "\"{{\" without \"}}\"" : "\"{%\" without \"%}\"");
            if (open == 0) {
                const char sign = m_source[m_at];
                const bool signedEnd = sign == '-' || (sign == '+' && !isVariable);
                const std::string_view end = isVariable ? "}}" : "%}";
                if (std::string_view(m_source).substr(m_at + (signedEnd ? 1 : 0)).starts_with(end)) {
                    push(isVariable ? Kind::VariableEnd : Kind::BlockEnd, {});
                    advance(end.size() + (signedEnd ? 1 : 0));
                    afterEnd(signedEnd ? sign : '\0', !isVariable);
                    return {};
                }
            }
            const char c = m_source[m_at];
            if (isNameStart(c))
                name();
            else if (isDigit(c))
                number();
            else if (c == '"' || c == '\'')
                SA_CHECK(text());
            else
                SA_CHECK(sign(open));
        }
    }

    void name()
    {
        std::size_t end = m_at;
        while (end < m_source.size() && (isNameStart(m_source[end]) || isDigit(m_source[end])))
            ++end;
        push(Kind::Name, m_source.substr(m_at, end - m_at));
        m_at = end;
    }

    void number()
    {
        std::size_t end = m_at;
        bool real = false;
        const auto digits = [&] {
            while (isDigit(at(end)) || at(end) == '_')
                ++end;
        };
        digits();
        if (at(end) == '.' && isDigit(at(end + 1))) {
            real = true;
            ++end;
            digits();
        }
        if (at(end) == 'e' || at(end) == 'E') {
            const std::size_t signLength = at(end + 1) == '+' || at(end + 1) == '-' ? 1 : 0;
            if (isDigit(at(end + 1 + signLength))) {
                real = true;
                end += 1 + signLength;
                digits();
            }
        }
        std::string text = m_source.substr(m_at, end - m_at);
        std::erase(text, '_');
        push(real ? Kind::Real : Kind::Integer, std::move(text));
        m_at = end;
    }

    Result<void> text()
    {
        const char quote = m_source[m_at];
        std::string out;
        std::size_t place = m_at + 1;
        for (; place < m_source.size() && m_source[place] != quote; ++place) {
            if (m_source[place] != '\\' || place + 1 >= m_source.size()) {
                out += m_source[place];
                continue;
            }
            const char c = m_source[++place];
            constexpr std::string_view kLetters = "nrtbfav0\\'\"";
            constexpr std::string_view kMeanings("\n\r\t\b\f\a\v\0\\'\"", 11);
            const std::size_t known = kLetters.find(c);
            const int hexDigits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
            if (known != std::string_view::npos) {
                out += kMeanings[known];
            } else if (c == '\n') {
                continue; // the line goes on
            } else if (hexDigits > 0) {
                char32_t value = 0;
                for (int i = 0; i < hexDigits; ++i) {
                    const char digit = at(++place);
                    if (!std::isxdigit(static_cast<unsigned char>(digit)))
                        return wrong("an escape without its digits");
                    value =
                        value * 16 + static_cast<char32_t>(isDigit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10);
                }
                if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
                    return wrong("an escape that is no character");
                tokenizer::appendUtf8(out, value);
            } else {
                (out += '\\') += c; // as in Python
            }
        }
        if (place >= m_source.size())
            return wrong("a text without a closing quote");
        push(Kind::Text, std::move(out));
        advance(place + 1 - m_at);
        return {};
    }

    Result<void> sign(int& open)
    {
        for (const char* const two : {"//", "**", "==", "!=", "<=", ">="}) {
            if (ahead(two)) {
                push(Kind::Operator, two);
                m_at += 2;
                return {};
            }
        }
        const char c = m_source[m_at];
        constexpr std::string_view kSigns = "+-*/%~<>=|.,:()[]{}";
        if (kSigns.find(c) == std::string_view::npos)
            return wrong("\"" + display(std::string(1, c)) + "\", which means nothing here");
        if (c == '(' || c == '[' || c == '{')
            ++open;
        if (c == ')' || c == ']' || c == '}')
            open = std::max(0, open - 1);
        push(Kind::Operator, std::string(1, c));
        ++m_at;
        return {};
    }

    std::string m_source;
    std::vector<Token> m_tokens;
    std::size_t m_at = 0;
    int m_line = 1;
    bool m_lineStarts = true; ///< what follows begins a line
};

} // namespace

Result<std::vector<Token>> tokenize(std::string_view source)
{
    return Lexer(withUnixLines(source)).run();
}

} // namespace sa::jinja
