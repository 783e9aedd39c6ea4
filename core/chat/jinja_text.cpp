// SPDX-License-Identifier: GPL-3.0-or-later
// Values as Python writes them: str(), repr() and json.dumps().
#include "core/chat/jinja_value.h"
#include "core/tokenizer/unicode.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace sa::jinja
{

namespace
{

std::string realText(double value)
{
    if (std::isnan(value))
        return "nan";
    if (std::isinf(value))
        return value < 0 ? "-inf" : "inf";
    return json::dump(value);
}

/// Single quotes, unless the text has such and no double ones.
std::string quoted(const std::string& text)
{
    const char quote = text.find('\'') != std::string::npos && text.find('"') == std::string::npos ? '"' : '\'';
    std::string out(1, quote);
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        char escape[8];
        if (c == quote || c == '\\')
            (out += '\\') += c;
        else if (c == '\n')
            out += "\\n";
        else if (c == '\r')
            out += "\\r";
        else if (c == '\t')
            out += "\\t";
        else if (byte < 0x20 || byte == 0x7F)
            out.append(escape, static_cast<std::size_t>(std::snprintf(escape, sizeof escape, "\\x%02x", byte)));
        else
            out += c;
    }
    return out + quote;
}

void appendJsonString(const std::string& text, bool asciiOnly, std::string& out)
{
    out += '"';
    char escape[16];
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t begin = at;
        const char32_t c = tokenizer::nextCodePoint(text, at);
        constexpr std::string_view kSpecial = "\"\\\n\r\t\b\f";
        constexpr std::string_view kLetters = "\"\\nrtbf";
        const std::size_t special = c < 0x80 ? kSpecial.find(static_cast<char>(c)) : std::string_view::npos;
        if (special != std::string_view::npos) {
            (out += '\\') += kLetters[special];
        } else if (c < 0x20 || (asciiOnly && c > 0x7E && c < 0x10000)) {
            std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
            out += escape;
        } else if (asciiOnly && c >= 0x10000) {
            std::snprintf(escape, sizeof escape, "\\u%04x\\u%04x", static_cast<unsigned>(0xD7C0 + (c >> 10)),
                          static_cast<unsigned>(0xDC00 + (c & 0x3FF)));
            out += escape;
        } else {
            out.append(text, begin, at - begin);
        }
    }
    out += '"';
}

class JsonWriter
{
public:
    explicit JsonWriter(const JsonStyle& style)
        : m_style(style)
        , m_itemSeparator(!style.itemSeparator.empty() ? style.itemSeparator
                          : style.indent < 0           ? ", "
                                                       : ",")
        , m_keySeparator(style.keySeparator.empty() ? ": " : style.keySeparator)
    {
    }

    Result<void> write(const Value& value, int depth)
    {
        if (value.isNone())
            out += "null";
        else if (const bool* boolean = value.boolean())
            out += *boolean ? "true" : "false";
        else if (const double* real = value.real())
            out += std::isnan(*real)   ? "NaN"
                   : std::isinf(*real) ? (*real < 0 ? "-Infinity" : "Infinity")
                                       : realText(*real);
        else if (value.integer())
            out += toText(value);
        else if (const auto* text = value.text())
            appendJsonString(*text, m_style.asciiOnly, out);
        else if (const auto* list = value.list())
            return writeList(*list, depth);
        else if (const auto* dict = value.dict())
            return writeDict(*dict, depth);
        else
            return templateError("Object of type " + value.typeName() + " is not JSON serializable");
        return {};
    }

    std::string out;

private:
    void newLine(int depth)
    {
        if (m_style.indent >= 0)
            out += '\n' + std::string(static_cast<std::size_t>(m_style.indent) * static_cast<std::size_t>(depth), ' ');
    }
    Result<void> writeList(const List& list, int depth)
    {
        out += '[';
        for (std::size_t i = 0; i < list.items.size(); ++i) {
            if (i > 0)
                out += m_itemSeparator;
            newLine(depth + 1);
            SA_CHECK(write(list.items[i], depth + 1));
        }
        if (!list.items.empty())
            newLine(depth);
        out += ']';
        return {};
    }
    Result<void> writeDict(const Dict& dict, int depth)
    {
        std::vector<const std::pair<std::string, Value>*> members;
        for (const auto& member : dict.members)
            members.push_back(&member);
        if (m_style.sortKeys)
            std::sort(members.begin(), members.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
        out += '{';
        for (std::size_t i = 0; i < members.size(); ++i) {
            if (i > 0)
                out += m_itemSeparator;
            newLine(depth + 1);
            appendJsonString(members[i]->first, m_style.asciiOnly, out);
            out += m_keySeparator;
            SA_CHECK(write(members[i]->second, depth + 1));
        }
        if (!members.empty())
            newLine(depth);
        out += '}';
        return {};
    }

    const JsonStyle& m_style;
    std::string m_itemSeparator;
    std::string m_keySeparator;
};

} // namespace

std::string toText(const Value& value)
{
    if (const auto* text = value.text())
        return *text;
    return value.isUndefined() ? std::string() : toRepr(value);
}

std::string toRepr(const Value& value)
{
    if (value.isNone())
        return "None";
    if (value.isUndefined())
        return "Undefined";
    if (const bool* boolean = value.boolean())
        return *boolean ? "True" : "False";
    if (const auto* integer = value.integer())
        return std::to_string(*integer);
    if (const double* real = value.real())
        return realText(*real);
    if (const auto* text = value.text())
        return quoted(*text);
    std::string out;
    if (const auto* list = value.list()) {
        for (const Value& item : list->items)
            out += (out.empty() ? "" : ", ") + toRepr(item);
        if (list->isTuple)
            return "(" + out + (list->items.size() == 1 ? ",)" : ")");
        return "[" + out + "]";
    }
    if (const auto* dict = value.dict()) {
        for (const auto& [key, member] : dict->members)
            out += (out.empty() ? "" : ", ") + quoted(key) + ": " + toRepr(member);
        return "{" + out + "}";
    }
    return "<object>";
}

Result<std::string> toJsonText(const Value& value, const JsonStyle& style)
{
    JsonWriter writer(style);
    SA_CHECK(writer.write(value, 0));
    return std::move(writer.out);
}

} // namespace sa::jinja
