// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/chat/jinja_access.h"

#include "core/tokenizer/unicode.h"

#include <algorithm>
#include <span>
#include <utf8proc.h>
#include <utility>

namespace sa::jinja
{

namespace
{

using tokenizer::nextCodePoint;

std::vector<std::string_view> charactersOf(std::string_view text)
{
    std::vector<std::string_view> out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t begin = at;
        nextCodePoint(text, at);
        out.push_back(text.substr(begin, at - begin));
    }
    return out;
}

std::size_t characterCount(std::string_view text)
{
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// Python also counts the separators U+001C to U+001F.
bool isSpace(char32_t c)
{
    return tokenizer::isWhitespace(c) || (c >= 0x1C && c <= 0x1F);
}

/// Python's rule for indices from the end and beyond it.
std::int64_t clampIndex(std::int64_t index, std::int64_t size, bool backwards)
{
    if (index < 0)
        index += size;
    if (index < 0)
        return backwards ? -1 : 0;
    return index >= size ? (backwards ? size - 1 : size) : index;
}

Value itemList(const Dict& dict)
{
    List out;
    for (const auto& [key, value] : dict.members)
        out.items.push_back(List{{key, value}, true});
    return out;
}

Result<std::string> textArgument(const Arguments& arguments, std::size_t place, const std::string& method)
{
    const Value* const value = arguments.find(place, "");
    if (!value || !value->text())
        return templateError(method + "() needs a str");
    return *value->text();
}

Result<Value> split(const std::string& text, const Arguments& arguments, bool fromRight, Budget& budget)
{
    const Value* const separator = arguments.find(0, "sep");
    const Value* const limit = arguments.find(1, "maxsplit");
    if (limit && !limit->integer())
        return templateError("split() needs an int for maxsplit");
    const std::int64_t most = limit && *limit->integer() >= 0 ? *limit->integer() : INT64_MAX;
    SA_CHECK(budget.charge(text.size()));
    std::vector<Value> parts;
    std::string_view rest = text;
    if (!separator || separator->isNone()) {
        if (fromRight && most != INT64_MAX)
            return templateError("rsplit() without a separator is not supported with maxsplit");
        while (true) {
            std::size_t at = 0;
            for (std::size_t next = 0; next < rest.size() && isSpace(nextCodePoint(rest, next));)
                at = next;
            rest.remove_prefix(std::exchange(at, 0));
            if (rest.empty())
                break;
            if (static_cast<std::int64_t>(parts.size()) == most) {
                parts.emplace_back(rest);
                break;
            }
            std::size_t end = 0;
            while (at < rest.size() && !isSpace(nextCodePoint(rest, at)))
                end = at;
            SA_CHECK(budget.charge(64));
            parts.emplace_back(rest.substr(0, end));
            rest.remove_prefix(end);
        }
        return Value(List{std::move(parts)});
    }
    if (!separator->text() || separator->text()->empty())
        return templateError("split() needs a separator that is not empty");
    const std::string& mark = *separator->text();
    while (static_cast<std::int64_t>(parts.size()) < most) {
        const std::size_t at = fromRight ? rest.rfind(mark) : rest.find(mark);
        if (at == std::string_view::npos)
            break;
        SA_CHECK(budget.charge(64));
        if (fromRight) {
            parts.emplace_back(rest.substr(at + mark.size()));
            rest = rest.substr(0, at);
        } else {
            parts.emplace_back(rest.substr(0, at));
            rest.remove_prefix(at + mark.size());
        }
    }
    parts.emplace_back(rest);
    if (fromRight)
        std::reverse(parts.begin(), parts.end());
    return Value(List{std::move(parts)});
}

Value splitLines(std::string_view text)
{
    List out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
        out.items.emplace_back(text.substr(0, end));
        const std::size_t mark = text.substr(end).starts_with("\r\n") ? 2 : 1;
        text.remove_prefix(std::min(end + mark, text.size()));
    }
    return out;
}

Result<bool> hasAffix(const std::string& text, const Value& affix, bool atStart)
{
    if (const auto* list = affix.list()) {
        for (const Value& item : list->items) {
            SA_TRY(const bool found, hasAffix(text, item, atStart));
            if (found)
                return true;
        }
        return false;
    }
    if (!affix.text())
        return templateError("startswith() and endswith() need a str or a tuple of str");
    return atStart ? text.starts_with(*affix.text()) : text.ends_with(*affix.text());
}

Result<Value> joinTexts(const std::string& separator, const Value& list, Budget& budget)
{
    SA_TRY(const auto items, iterate(list, budget));
    std::string out;
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (!items[i].text())
            return templateError("join() needs a list of str");
        out += (i > 0 ? separator : "") + *items[i].text();
        SA_CHECK(budget.charge(items[i].text()->size() + separator.size()));
    }
    return Value(std::move(out));
}

bool allCharacters(const std::string& text, bool (*test)(utf8proc_category_t))
{
    if (text.empty())
        return false;
    for (std::size_t at = 0; at < text.size();)
        if (!test(utf8proc_category(static_cast<utf8proc_int32_t>(nextCodePoint(text, at)))))
            return false;
    return true;
}

Result<Value> textMethod(const std::string& text, const std::string& name, const Arguments& arguments, Budget& budget)
{
    SA_CHECK(arguments.atMost(3, name));
    SA_CHECK(budget.charge(text.size()));
    if (name == "strip" || name == "lstrip" || name == "rstrip") {
        const Value* const characters = arguments.find(0, "chars");
        if (characters && !characters->isNone() && !characters->text())
            return templateError(name + "() needs a str");
        const bool given = characters && characters->text();
        if (given && characters->text()->empty())
            return Value(text);
        return Value(strip(text, given ? std::string_view(*characters->text()) : std::string_view(), name[0] != 'r',
                           name[0] != 'l'));
    }
    if (name == "upper")
        return Value(upper(text));
    if (name == "lower")
        return Value(lower(text));
    if (name == "capitalize")
        return Value(capitalize(text));
    if (name == "title")
        return Value(title(text));
    if (name == "split" || name == "rsplit")
        return split(text, arguments, name[0] == 'r', budget);
    if (name == "splitlines")
        return splitLines(text);
    if (name == "startswith" || name == "endswith") {
        const Value* const affix = arguments.find(0, "");
        if (!affix)
            return templateError(name + "() needs an argument");
        SA_TRY(const bool found, hasAffix(text, *affix, name[0] == 's'));
        return Value(found);
    }
    if (name == "isdigit")
        return Value(allCharacters(text, [](utf8proc_category_t kind) { return kind == UTF8PROC_CATEGORY_ND; }));
    if (name == "isalpha")
        return Value(allCharacters(text, [](utf8proc_category_t kind) {
            return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
        }));
    if (name == "isspace")
        return Value(!text.empty() && strip(text, {}, true, false).empty());
    if (name == "join") {
        const Value* const list = arguments.find(0, "");
        return list ? joinTexts(text, *list, budget) : Result<Value>(templateError("join() needs a list"));
    }
    // The others take a text first.
    SA_TRY(const std::string other, textArgument(arguments, 0, name));
    if (name == "replace") {
        SA_TRY(const std::string to, textArgument(arguments, 1, name));
        const Value* const most = arguments.find(2, "count");
        SA_TRY(std::string out, replaceAll(text, other, to, most && most->integer() ? *most->integer() : -1, budget));
        return Value(std::move(out));
    }
    if (name == "removeprefix")
        return Value(text.starts_with(other) ? text.substr(other.size()) : text);
    if (name == "removesuffix")
        return Value(text.ends_with(other) ? text.substr(0, text.size() - other.size()) : text);
    if (name == "count") {
        std::int64_t count = 0;
        for (std::size_t at = 0; !other.empty() && (at = text.find(other, at)) != std::string::npos; at += other.size())
            ++count;
        return Value(other.empty() ? static_cast<std::int64_t>(characterCount(text)) + 1 : count);
    }
    const std::size_t at = name == "find" ? text.find(other) : text.rfind(other);
    return Value(at == std::string::npos ? std::int64_t{-1}
                                         : static_cast<std::int64_t>(characterCount(text.substr(0, at))));
}

Result<Value> dictMethod(const Dict& dict, const std::string& name, const Arguments& arguments, Budget& budget)
{
    if (name == "get") {
        SA_CHECK(arguments.atMost(2, name));
        const Value* const key = arguments.find(0, "");
        const Value* const found = key && key->text() ? dict.find(*key->text()) : nullptr;
        const Value* const fallback = arguments.find(1, "");
        return found ? *found : fallback ? *fallback : Value();
    }
    SA_CHECK(arguments.atMost(0, name));
    SA_CHECK(budget.charge(dict.members.size() * 128));
    if (name == "items")
        return itemList(dict);
    List out;
    for (const auto& [key, value] : dict.members)
        out.items.push_back(name == "keys" ? Value(key) : value);
    return Value(std::move(out));
}

Result<Value> listMethod(const List& list, const std::string& name, const Arguments& arguments)
{
    const Value* const wanted = arguments.find(0, "");
    if (!wanted)
        return templateError(name + "() needs an argument");
    std::int64_t count = 0;
    for (std::size_t i = 0; i < list.items.size(); ++i) {
        if (!equal(list.items[i], *wanted))
            continue;
        if (name == "index")
            return Value(static_cast<std::int64_t>(i));
        ++count;
    }
    if (name == "index")
        return templateError("the list has no such item");
    return Value(count);
}

constexpr std::string_view kTextMethods[] = {
    "strip",   "lstrip",     "rstrip",     "upper",    "lower",        "capitalize",  "title",   "split",
    "rsplit",  "splitlines", "startswith", "endswith", "isdigit",      "isalpha",     "isspace", "join",
    "replace", "find",       "rfind",      "count",    "removeprefix", "removesuffix"};
constexpr std::string_view kDictMethods[] = {"get", "items", "keys", "values"};
constexpr std::string_view kListMethods[] = {"index", "count"};

bool isOneOf(std::string_view name, std::span<const std::string_view> names)
{
    return std::find(names.begin(), names.end(), name) != names.end();
}

} // namespace

Result<void> Budget::step()
{
    if (--steps < 0)
        return templateError("it takes too many steps");
    return charge(0);
}

Result<void> Budget::charge(std::size_t count)
{
    bytes -= static_cast<std::int64_t>(std::min<std::size_t>(count, std::size_t{1} << 40));
    if (bytes < 0)
        return templateError("it takes too much memory");
    return {};
}

const Value* Arguments::find(std::size_t place, std::string_view name) const
{
    if (place < positional.size())
        return &positional[place];
    for (const auto& [key, value] : named)
        if (key == name)
            return &value;
    return nullptr;
}

Result<void> Arguments::atMost(std::size_t most, const std::string& what) const
{
    if (positional.size() + named.size() > most)
        return templateError("too many arguments for " + what + "()");
    return {};
}

Result<Value> attributeOf(const Value& value, const std::string& name)
{
    if (const auto* undefined = value.undefined())
        return templateError(undefined->what);
    if (const auto* dict = value.dict())
        if (const Value* const found = dict->find(name))
            return *found;
    if (const auto* object = value.object())
        return object->attribute(name);
    return Value(Undefined{"'" + value.typeName() + " object' has no attribute '" + name + "'"});
}

Result<Value> itemOf(const Value& value, const Value& key)
{
    if (const auto* undefined = value.undefined())
        return templateError(undefined->what);
    if (value.dict() && key.text())
        return attributeOf(value, *key.text());
    if (key.integer() && (value.list() || value.text())) {
        const auto size = static_cast<std::int64_t>(*lengthOf(value));
        const std::int64_t index = *key.integer() < 0 ? *key.integer() + size : *key.integer();
        if (index >= 0 && index < size) {
            if (value.list())
                return value.list()->items[static_cast<std::size_t>(index)];
            return Value(charactersOf(*value.text())[static_cast<std::size_t>(index)]);
        }
    }
    return Value(Undefined{"'" + value.typeName() + " object' has no element " + toRepr(key)});
}

Result<Value> sliceOf(const Value& value, const Value* start, const Value* stop, const Value* step, Budget& budget)
{
    if (const auto* undefined = value.undefined())
        return templateError(undefined->what);
    if (!value.list() && !value.text())
        return templateError("'" + value.typeName() + "' object is not subscriptable");
    for (const Value* part : {start, stop, step})
        if (part && !part->isNone() && !part->integer())
            return templateError("slice indices must be integers or None");
    const auto given = [](const Value* part) { return part && part->integer(); };
    const std::int64_t stride = given(step) ? *step->integer() : 1;
    if (stride == 0)
        return templateError("slice step cannot be zero");
    const auto size = static_cast<std::int64_t>(*lengthOf(value));
    const bool backwards = stride < 0;
    std::int64_t from = given(start) ? clampIndex(*start->integer(), size, backwards) : backwards ? size - 1 : 0;
    const std::int64_t to = given(stop) ? clampIndex(*stop->integer(), size, backwards) : backwards ? -1 : size;
    SA_CHECK(budget.charge(static_cast<std::size_t>(size) * (value.text() ? 4 : 32)));
    const auto characters = value.text() ? charactersOf(*value.text()) : std::vector<std::string_view>();
    std::string text;
    List list;
    list.isTuple = value.list() && value.list()->isTuple;
    while (backwards ? from > to : from < to) {
        if (value.text())
            text += characters[static_cast<std::size_t>(from)];
        else
            list.items.push_back(value.list()->items[static_cast<std::size_t>(from)]);
        if (stride > size || stride < -size)
            break;
        from += stride;
    }
    return value.text() ? Value(std::move(text)) : Value(std::move(list));
}

Result<std::vector<Value>> iterate(const Value& value, Budget& budget)
{
    std::vector<Value> out;
    const std::size_t size = lengthOf(value).value_or(0);
    SA_CHECK(budget.charge(size * (value.text() ? 128 : 32)));
    if (const auto* list = value.list())
        return list->items;
    if (const auto* dict = value.dict()) {
        for (const auto& [key, member] : dict->members)
            out.emplace_back(key);
    } else if (const auto* text = value.text()) {
        for (const std::string_view character : charactersOf(*text))
            out.emplace_back(character);
    } else if (!value.isUndefined()) { // which is empty
        return templateError("'" + value.typeName() + "' object is not iterable");
    }
    return out;
}

std::optional<std::size_t> lengthOf(const Value& value)
{
    if (const auto* text = value.text())
        return characterCount(*text);
    if (const auto* list = value.list())
        return list->items.size();
    if (const auto* dict = value.dict())
        return dict->members.size();
    return std::nullopt;
}

bool hasMethod(const Value& value, const std::string& name)
{
    if (value.text())
        return isOneOf(name, kTextMethods);
    if (value.dict())
        return isOneOf(name, kDictMethods);
    return value.list() && isOneOf(name, kListMethods);
}

Result<Value> callMethod(const Value& value, const std::string& name, const Arguments& arguments, Budget& budget)
{
    if (value.text())
        return textMethod(*value.text(), name, arguments, budget);
    if (value.dict())
        return dictMethod(*value.dict(), name, arguments, budget);
    SA_CHECK(budget.charge(value.weight() / 16));
    return listMethod(*value.list(), name, arguments);
}

std::string strip(std::string_view text, std::string_view characters, bool left, bool right)
{
    const auto goes = [&](std::string_view character) {
        std::size_t at = 0;
        if (characters.empty())
            return isSpace(nextCodePoint(character, at));
        return characters.find(character) != std::string_view::npos;
    };
    while (left && !text.empty()) {
        std::size_t end = 0;
        nextCodePoint(text, end);
        if (!goes(text.substr(0, end)))
            break;
        text.remove_prefix(end);
    }
    while (right && !text.empty()) {
        const std::size_t begin = tokenizer::lastCharacterStart(text);
        if (!goes(text.substr(begin)))
            break;
        text = text.substr(0, begin);
    }
    return std::string(text);
}

std::string upper(std::string_view text)
{
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const char32_t c = nextCodePoint(text, at);
        if (c == 0xDF)
            out += "SS";
        else
            tokenizer::appendUtf8(out, static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c))));
    }
    return out;
}

std::string lower(std::string_view text)
{
    std::string out;
    for (std::size_t at = 0; at < text.size();)
        tokenizer::appendUtf8(
            out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(nextCodePoint(text, at)))));
    return out;
}

std::string capitalize(std::string_view text)
{
    std::size_t first = 0;
    if (!text.empty())
        nextCodePoint(text, first);
    return upper(text.substr(0, first)) + lower(text.substr(first));
}

std::string title(std::string_view text)
{
    std::string out;
    bool inWord = false;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t begin = at;
        const auto kind = utf8proc_category(static_cast<utf8proc_int32_t>(nextCodePoint(text, at)));
        const std::string_view character = text.substr(begin, at - begin);
        const bool letter = kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
        out += !letter ? std::string(character) : inWord ? lower(character) : upper(character);
        inWord = letter;
    }
    return out;
}

Result<std::string> replaceAll(const std::string& text, const std::string& from, const std::string& to,
                               std::int64_t most, Budget& budget)
{
    std::string out;
    std::size_t at = 0;
    if (from.empty())
        return templateError("replace() of an empty str is not supported");
    for (std::size_t found = 0; most != 0 && (found = text.find(from, at)) != std::string::npos; --most) {
        SA_CHECK(budget.charge(found - at + to.size()));
        out.append(text, at, found - at).append(to);
        at = found + from.size();
    }
    out.append(text, at);
    return out;
}

} // namespace sa::jinja
