// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/chat/jinja_filters.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <map>
#include <optional>

namespace sa::jinja
{

namespace
{

using Filter = Result<Value> (*)(const Value& input, const Arguments& arguments, Budget& budget);

Error notKnown(const char* kind, const std::string& name)
{
    return makeError(Errc::Unsupported, "the chat template uses what is not supported here")
        .butFound("the " + std::string(kind) + " \"" + display(name, 40) + "\"");
}

Result<std::int64_t> integerArgument(const Arguments& arguments, std::size_t place, const char* name,
                                     std::int64_t fallback)
{
    const Value* const value = arguments.find(place, name);
    if (!value)
        return fallback;
    if (const auto* integer = value->integer())
        return *integer;
    return templateError("\"" + std::string(name) + "\" must be an int");
}

Result<std::string> textOf(const Value& value, Budget& budget)
{
    SA_CHECK(budget.charge(value.weight()));
    return toText(value);
}

/// a.b.0 from a value, as attribute= means it; undefined where there is nothing.
Result<Value> deepAttribute(Value value, const Value& path)
{
    if (path.integer())
        return itemOf(value, path);
    if (!path.text())
        return templateError("an attribute must be a str or an int");
    std::string_view rest = *path.text();
    while (true) {
        const std::size_t dot = std::min(rest.find('.'), rest.size());
        const std::string part(rest.substr(0, dot));
        std::int64_t index = 0;
        const auto parsed = std::from_chars(part.data(), part.data() + part.size(), index);
        const bool isIndex = parsed.ec == std::errc() && parsed.ptr == part.data() + part.size();
        SA_TRY(value, isIndex ? itemOf(value, Value(index)) : attributeOf(value, part));
        if (dot == rest.size())
            return value;
        rest.remove_prefix(dot + 1);
    }
}

// --- Texts

Result<Value> trim(const Value& input, const Arguments& arguments, Budget& budget)
{
    SA_TRY(const std::string text, textOf(input, budget));
    const Value* const characters = arguments.find(0, "chars");
    return Value(strip(text, characters ? toText(*characters) : std::string(), true, true));
}

template<std::string (*Change)(std::string_view)>
Result<Value> changed(const Value& input, const Arguments&, Budget& budget)
{
    SA_TRY(const std::string text, textOf(input, budget));
    return Value(Change(text));
}

Result<Value> replace(const Value& input, const Arguments& arguments, Budget& budget)
{
    const Value* const from = arguments.find(0, "old");
    const Value* const to = arguments.find(1, "new");
    if (!from || !to)
        return templateError("replace needs two arguments");
    SA_TRY(const std::string text, textOf(input, budget));
    SA_TRY(const std::int64_t most, integerArgument(arguments, 2, "count", -1));
    SA_TRY(std::string out, replaceAll(text, toText(*from), toText(*to), most, budget));
    return Value(std::move(out));
}

Result<Value> asText(const Value& input, const Arguments&, Budget& budget)
{
    SA_TRY(std::string text, textOf(input, budget));
    return Value(std::move(text));
}

Result<Value> escape(const Value& input, const Arguments&, Budget& budget)
{
    SA_TRY(const std::string text, textOf(input, budget));
    std::string out;
    for (const char c : text) {
        const char* const entity = c == '&'    ? "&amp;"
                                   : c == '<'  ? "&lt;"
                                   : c == '>'  ? "&gt;"
                                   : c == '"'  ? "&#34;"
                                   : c == '\'' ? "&#39;"
                                               : nullptr;
        if (entity)
            out += entity;
        else
            out += c;
    }
    SA_CHECK(budget.charge(out.size()));
    return Value(std::move(out));
}

Result<Value> indent(const Value& input, const Arguments& arguments, Budget& budget)
{
    SA_TRY(const std::string text, textOf(input, budget));
    const Value* const width = arguments.find(0, "width");
    std::string margin = "    ";
    if (width && width->text())
        margin = *width->text();
    else if (width && width->integer())
        margin = std::string(static_cast<std::size_t>(std::clamp<std::int64_t>(*width->integer(), 0, 1000)), ' ');
    const Value* const first = arguments.find(1, "first");
    const Value* const blank = arguments.find(2, "blank");
    std::string out;
    for (std::size_t at = 0, line = 0;; ++line) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const bool indents = line == 0 ? first && first->truth() : end > at || (blank && blank->truth());
        out += (indents ? margin : "") + text.substr(at, end - at);
        SA_CHECK(budget.charge(margin.size() + end - at));
        if (end == text.size())
            return Value(std::move(out));
        out += '\n';
        at = end + 1;
    }
}

Result<Value> tojson(const Value& input, const Arguments& arguments, Budget& budget)
{
    JsonStyle style;
    const auto flag = [&](std::size_t place, const char* name) {
        const Value* const value = arguments.find(place, name);
        return value && value->truth();
    };
    style.asciiOnly = flag(0, "ensure_ascii");
    if (const Value* const width = arguments.find(1, "indent"); width && width->integer())
        style.indent = static_cast<int>(std::clamp<std::int64_t>(*width->integer(), 0, 100));
    if (const Value* const separators = arguments.find(2, "separators"); separators && separators->list()) {
        const auto& items = separators->list()->items;
        if (items.size() != 2 || !items[0].text() || !items[1].text())
            return templateError("separators must be two str");
        style.itemSeparator = *items[0].text();
        style.keySeparator = *items[1].text();
    }
    style.sortKeys = flag(3, "sort_keys");
    SA_CHECK(budget.charge(input.weight()));
    SA_TRY(std::string out, toJsonText(input, style));
    SA_CHECK(budget.charge(out.size()));
    return Value(std::move(out));
}

// --- Numbers

Result<Value> toInteger(const Value& input, const Arguments& arguments, Budget&)
{
    SA_TRY(const std::int64_t fallback, integerArgument(arguments, 0, "default", 0));
    if (const auto* text = input.text()) {
        const std::string digits = strip(*text, {}, true, true);
        std::int64_t value = 0;
        const char* const end = digits.data() + digits.size();
        const auto [rest, code] = std::from_chars(digits.data() + (digits.starts_with('+') ? 1 : 0), end, value);
        if (code == std::errc() && rest == end)
            return Value(value);
        double real = 0;
        const auto parsed = std::from_chars(digits.data(), end, real);
        const bool fits = parsed.ec == std::errc() && parsed.ptr == end && std::abs(real) < 9e18;
        return Value(fits ? static_cast<std::int64_t>(real) : fallback);
    }
    if (input.integer())
        return input;
    return Value(input.isNumber() && std::abs(input.number()) < 9e18 ? static_cast<std::int64_t>(input.number())
                                                                     : fallback);
}

Result<Value> toReal(const Value& input, const Arguments& arguments, Budget&)
{
    if (input.isNumber())
        return Value(input.number());
    double value = 0;
    if (const auto* text = input.text()) {
        const std::string digits = strip(*text, {}, true, true);
        const char* const end = digits.data() + digits.size();
        const auto parsed = std::from_chars(digits.data(), end, value);
        if (parsed.ec == std::errc() && parsed.ptr == end)
            return Value(value);
    }
    const Value* const fallback = arguments.find(0, "default");
    return fallback ? *fallback : Value(0.0);
}

Result<Value> absolute(const Value& input, const Arguments&, Budget&)
{
    if (const auto* integer = input.integer(); integer && *integer != INT64_MIN)
        return Value(std::abs(*integer));
    if (input.isNumber())
        return Value(std::abs(input.number()));
    return templateError("abs needs a number");
}

Result<Value> roundNumber(const Value& input, const Arguments& arguments, Budget&)
{
    SA_TRY(const std::int64_t digits, integerArgument(arguments, 0, "precision", 0));
    const Value* const method = arguments.find(1, "method");
    const std::string how = method ? toText(*method) : "common";
    if (!input.isNumber() || digits < 0 || digits > 15)
        return templateError("round needs a number, and a precision from 0 to 15");
    const double scale = std::pow(10.0, static_cast<double>(digits));
    const double value = input.number() * scale;
    return Value((how == "ceil"    ? std::ceil(value)
                  : how == "floor" ? std::floor(value)
                                   : std::nearbyint(value)) /
                 scale);
}

// --- Lists

Result<Value> length(const Value& input, const Arguments&, Budget&)
{
    if (input.isUndefined())
        return Value(std::int64_t{0});
    const auto size = lengthOf(input);
    if (!size)
        return templateError("object of type '" + input.typeName() + "' has no len()");
    return Value(static_cast<std::int64_t>(*size));
}

Result<Value> asList(const Value& input, const Arguments&, Budget& budget)
{
    SA_TRY(auto items, iterate(input, budget));
    return Value(List{std::move(items)});
}

Result<Value> join(const Value& input, const Arguments& arguments, Budget& budget)
{
    SA_TRY(const auto items, iterate(input, budget));
    const Value* const separator = arguments.find(0, "d");
    const Value* const attribute = arguments.find(1, "attribute");
    const std::string between = separator ? toText(*separator) : std::string();
    std::string out;
    for (std::size_t i = 0; i < items.size(); ++i) {
        Value item = items[i];
        if (attribute) {
            SA_TRY(item, deepAttribute(item, *attribute));
        }
        SA_CHECK(budget.charge(item.weight() + between.size()));
        const std::string text = toText(item);
        out += (i > 0 ? between : "") + text;
    }
    return Value(std::move(out));
}

template<bool First> Result<Value> endItem(const Value& input, const Arguments&, Budget& budget)
{
    SA_TRY(const auto items, iterate(input, budget));
    if (items.empty())
        return Value(Undefined{"there is no item in an empty list"});
    return First ? items.front() : items.back();
}

Result<Value> reverse(const Value& input, const Arguments&, Budget& budget)
{
    SA_TRY(auto items, iterate(input, budget));
    std::reverse(items.begin(), items.end());
    if (!input.text())
        return Value(List{std::move(items)});
    std::string out;
    for (const Value& item : items)
        out += *item.text();
    return Value(std::move(out));
}

Result<Value> items(const Value& input, const Arguments&, Budget& budget)
{
    if (input.isUndefined())
        return Value(List{});
    if (!input.dict())
        return templateError("items needs a mapping");
    return callMethod(input, "items", {}, budget);
}

Result<Value> map(const Value& input, const Arguments& arguments, Budget& budget)
{
    if (!input.truth()) // none, too
        return Value(List{});
    SA_TRY(const auto list, iterate(input, budget));
    const Value* const attribute = arguments.find(SIZE_MAX, "attribute");
    const Value* const fallback = arguments.find(SIZE_MAX, "default");
    const Value* const filter = attribute ? nullptr : arguments.find(0, "");
    if (!attribute && (!filter || !filter->text() || !isFilter(*filter->text())))
        return templateError("map needs attribute= or the name of a filter");
    Arguments rest = arguments;
    if (!rest.positional.empty())
        rest.positional.erase(rest.positional.begin());
    List out;
    for (const Value& item : list) {
        SA_CHECK(budget.step());
        if (attribute) {
            SA_TRY(Value value, deepAttribute(item, *attribute));
            out.items.push_back(value.isUndefined() && fallback ? *fallback : std::move(value));
        } else {
            SA_TRY(Value value, applyFilter(*filter->text(), item, rest, budget));
            out.items.push_back(std::move(value));
        }
    }
    return Value(std::move(out));
}

/// select, reject, selectattr, rejectattr.
template<bool Keeps, bool ByAttribute>
Result<Value> choose(const Value& input, const Arguments& arguments, Budget& budget)
{
    if (!input.truth())
        return Value(List{});
    SA_TRY(const auto list, iterate(input, budget));
    constexpr std::size_t kTest = ByAttribute ? 1 : 0;
    if (ByAttribute && arguments.positional.empty())
        return templateError("selectattr and rejectattr need an attribute");
    const Value* const test = arguments.find(kTest, "");
    if (test && (!test->text() || !isTest(*test->text())))
        return templateError("there is no test " + toRepr(*test));
    Arguments rest;
    for (std::size_t i = kTest + 1; i < arguments.positional.size(); ++i)
        rest.positional.push_back(arguments.positional[i]);
    List out;
    for (const Value& item : list) {
        SA_CHECK(budget.step());
        Value value = item;
        if (ByAttribute) {
            SA_TRY(value, deepAttribute(item, arguments.positional[0]));
        }
        bool holds = value.truth();
        if (test) {
            SA_TRY(holds, applyTest(*test->text(), value, rest));
        }
        if (holds == Keeps)
            out.items.push_back(item);
    }
    return Value(std::move(out));
}

/// What sorting and comparing look at: an attribute, and texts without regard to case unless told otherwise.
Result<Value> sortKey(const Value& item, const Arguments& arguments, std::size_t casePlace, std::size_t attributePlace)
{
    const Value* const attribute = arguments.find(attributePlace, "attribute");
    const Value* const caseSensitive = arguments.find(casePlace, "case_sensitive");
    Value key = item;
    if (attribute && !attribute->isNone()) {
        SA_TRY(key, deepAttribute(item, *attribute));
    }
    return key.text() && !(caseSensitive && caseSensitive->truth()) ? Value(lower(*key.text())) : key;
}

struct Keyed {
    Value key;
    Value item;
};

Result<std::vector<Keyed>> keyed(const Value& input, const Arguments& arguments, std::size_t casePlace,
                                 std::size_t attributePlace, Budget& budget)
{
    SA_TRY(const auto list, iterate(input, budget));
    std::vector<Keyed> out;
    for (const Value& item : list) {
        SA_CHECK(budget.step());
        SA_TRY(Value key, sortKey(item, arguments, casePlace, attributePlace));
        out.push_back({std::move(key), item});
    }
    return out;
}

Result<Value> sorted(std::vector<Keyed> entries, bool backwards)
{
    std::optional<Error> failed;
    std::stable_sort(entries.begin(), entries.end(), [&](const Keyed& a, const Keyed& b) {
        auto order = backwards ? less(b.key, a.key) : less(a.key, b.key);
        if (!order) {
            failed = std::move(order).error();
            return false;
        }
        return *order;
    });
    if (failed)
        return *std::move(failed);
    List out;
    for (Keyed& entry : entries)
        out.items.push_back(std::move(entry.item));
    return Value(std::move(out));
}

Result<Value> sort(const Value& input, const Arguments& arguments, Budget& budget)
{
    SA_TRY(auto entries, keyed(input, arguments, 1, 2, budget));
    const Value* const backwards = arguments.find(0, "reverse");
    return sorted(std::move(entries), backwards && backwards->truth());
}

Result<Value> dictsort(const Value& input, const Arguments& arguments, Budget& budget)
{
    SA_TRY(const Value pairs, items(input, {}, budget));
    const Value* const by = arguments.find(1, "by");
    const bool byValue = by && toText(*by) == "value";
    Arguments how;
    how.named = {{"attribute", Value(std::int64_t{byValue ? 1 : 0})}};
    if (const Value* const caseSensitive = arguments.find(0, "case_sensitive"))
        how.named.emplace_back("case_sensitive", *caseSensitive);
    SA_TRY(auto entries, keyed(pairs, how, SIZE_MAX, SIZE_MAX, budget));
    const Value* const backwards = arguments.find(2, "reverse");
    return sorted(std::move(entries), backwards && backwards->truth());
}

Result<Value> unique(const Value& input, const Arguments& arguments, Budget& budget)
{
    SA_TRY(auto entries, keyed(input, arguments, 0, 1, budget));
    List out;
    std::vector<Value> seen;
    for (Keyed& entry : entries) {
        bool known = false;
        for (const Value& other : seen) {
            SA_CHECK(budget.step());
            known = known || equal(other, entry.key);
        }
        if (known)
            continue;
        seen.push_back(std::move(entry.key));
        out.items.push_back(std::move(entry.item));
    }
    return Value(std::move(out));
}

template<bool Largest> Result<Value> extreme(const Value& input, const Arguments& arguments, Budget& budget)
{
    SA_TRY(auto entries, keyed(input, arguments, 0, 1, budget));
    if (entries.empty())
        return Value(Undefined{"there is no item in an empty list"});
    std::size_t best = 0;
    for (std::size_t i = 1; i < entries.size(); ++i) {
        SA_TRY(const bool better,
               Largest ? less(entries[best].key, entries[i].key) : less(entries[i].key, entries[best].key));
        best = better ? i : best;
    }
    return entries[best].item;
}

Result<Value> sum(const Value& input, const Arguments& arguments, Budget& budget)
{
    SA_TRY(const auto list, iterate(input, budget));
    const Value* const attribute = arguments.find(0, "attribute");
    const Value* const start = arguments.find(1, "start");
    double total = start ? start->number() : 0;
    bool integers = !start || start->integer();
    for (Value item : list) {
        if (attribute && !attribute->isNone()) {
            SA_TRY(item, deepAttribute(item, *attribute));
        }
        if (!item.isNumber())
            return templateError("sum needs numbers");
        integers = integers && !item.real();
        total += item.number();
    }
    // Integers beyond 2^53 are not added up by templates.
    return integers && std::abs(total) < 9e15 ? Value(static_cast<std::int64_t>(total)) : Value(total);
}

// --- Others

Result<Value> fallback(const Value& input, const Arguments& arguments, Budget&)
{
    const Value* const other = arguments.find(0, "default_value");
    const Value* const alsoFalse = arguments.find(1, "boolean");
    const bool replaced = input.isUndefined() || (alsoFalse && alsoFalse->truth() && !input.truth());
    return !replaced ? input : other ? *other : Value(std::string());
}

Result<Value> same(const Value& input, const Arguments&, Budget&)
{
    return input;
}

const std::map<std::string, Filter, std::less<>> kFilters{
    {"abs", absolute},
    {"capitalize", changed<capitalize>},
    {"count", length},
    {"d", fallback},
    {"default", fallback},
    {"dictsort", dictsort},
    {"e", escape},
    {"escape", escape},
    {"first", endItem<true>},
    {"float", toReal},
    {"indent", indent},
    {"int", toInteger},
    {"items", items},
    {"join", join},
    {"last", endItem<false>},
    {"length", length},
    {"list", asList},
    {"lower", changed<lower>},
    {"map", map},
    {"max", extreme<true>},
    {"min", extreme<false>},
    {"reject", choose<false, false>},
    {"rejectattr", choose<false, true>},
    {"replace", replace},
    {"reverse", reverse},
    {"round", roundNumber},
    {"safe", same},
    {"select", choose<true, false>},
    {"selectattr", choose<true, true>},
    {"sort", sort},
    {"string", asText},
    {"sum", sum},
    {"title", changed<title>},
    {"tojson", tojson},
    {"trim", trim},
    {"unique", unique},
    {"upper", changed<upper>},
};

// --- Tests

using Test = Result<bool> (*)(const Value& value, const Value& other);
struct TestEntry {
    Test test;
    std::size_t arguments; ///< how many it needs
};

Result<std::int64_t> integerOf(const Value& value)
{
    if (const auto* integer = value.integer())
        return *integer;
    return templateError("this test needs an int, not " + value.typeName());
}

Result<bool> isDivisible(const Value& value, const Value& other)
{
    SA_TRY(const std::int64_t number, integerOf(value));
    SA_TRY(const std::int64_t divisor, integerOf(other));
    if (divisor == 0)
        return templateError("division by zero");
    return divisor == -1 || number % divisor == 0;
}

template<int Remainder> Result<bool> isParity(const Value& value, const Value&)
{
    SA_TRY(const std::int64_t number, integerOf(value));
    return (number & 1) == Remainder;
}

Result<bool> isEqual(const Value& a, const Value& b)
{
    return equal(a, b);
}
Result<bool> isUnequal(const Value& a, const Value& b)
{
    return !equal(a, b);
}
Result<bool> isGreater(const Value& a, const Value& b)
{
    return less(b, a);
}
Result<bool> isAtMost(const Value& a, const Value& b)
{
    SA_TRY(const bool greater, less(b, a));
    return !greater;
}
Result<bool> isAtLeast(const Value& a, const Value& b)
{
    SA_TRY(const bool smaller, less(a, b));
    return !smaller;
}

const std::map<std::string, TestEntry, std::less<>> kTests{
    {"boolean", {[](const Value& v, const Value&) -> Result<bool> { return v.boolean() != nullptr; }, 0}},
    {"defined", {[](const Value& v, const Value&) -> Result<bool> { return !v.isUndefined(); }, 0}},
    {"undefined", {[](const Value& v, const Value&) -> Result<bool> { return v.isUndefined(); }, 0}},
    {"none", {[](const Value& v, const Value&) -> Result<bool> { return v.isNone(); }, 0}},
    {"string", {[](const Value& v, const Value&) -> Result<bool> { return v.text() != nullptr; }, 0}},
    {"mapping", {[](const Value& v, const Value&) -> Result<bool> { return v.dict() != nullptr; }, 0}},
    {"number", {[](const Value& v, const Value&) -> Result<bool> { return v.isNumber(); }, 0}},
    {"integer", {[](const Value& v, const Value&) -> Result<bool> { return v.integer() != nullptr; }, 0}},
    {"float", {[](const Value& v, const Value&) -> Result<bool> { return v.real() != nullptr; }, 0}},
    {"true", {[](const Value& v, const Value&) -> Result<bool> { return v.boolean() && *v.boolean(); }, 0}},
    {"false", {[](const Value& v, const Value&) -> Result<bool> { return v.boolean() && !*v.boolean(); }, 0}},
    {"callable", {[](const Value& v, const Value&) -> Result<bool> { return v.object() != nullptr; }, 0}},
    {"iterable",
     {[](const Value& v, const Value&) -> Result<bool> { return lengthOf(v).has_value() || v.isUndefined(); }, 0}},
    {"sequence",
     {[](const Value& v, const Value&) -> Result<bool> { return lengthOf(v).has_value() || v.isUndefined(); }, 0}},
    {"lower",
     {[](const Value& v, const Value&) -> Result<bool> {
          return lower(toText(v)) == toText(v) && upper(toText(v)) != toText(v);
      },
      0}},
    {"upper",
     {[](const Value& v, const Value&) -> Result<bool> {
          return upper(toText(v)) == toText(v) && lower(toText(v)) != toText(v);
      },
      0}},
    {"odd", {isParity<1>, 0}},
    {"even", {isParity<0>, 0}},
    {"divisibleby", {isDivisible, 1}},
    {"in", {[](const Value& v, const Value& o) { return contains(o, v); }, 1}},
    {"sameas",
     {[](const Value& v, const Value& o) -> Result<bool> { return v.typeName() == o.typeName() && equal(v, o); }, 1}},
    {"eq", {isEqual, 1}},
    {"equalto", {isEqual, 1}},
    {"==", {isEqual, 1}},
    {"ne", {isUnequal, 1}},
    {"!=", {isUnequal, 1}},
    {"lt", {less, 1}},
    {"lessthan", {less, 1}},
    {"<", {less, 1}},
    {"gt", {isGreater, 1}},
    {"greaterthan", {isGreater, 1}},
    {">", {isGreater, 1}},
    {"le", {isAtMost, 1}},
    {"<=", {isAtMost, 1}},
    {"ge", {isAtLeast, 1}},
    {">=", {isAtLeast, 1}},
};

} // namespace

bool isFilter(const std::string& name)
{
    return kFilters.contains(name);
}

bool isTest(const std::string& name)
{
    return kTests.contains(name);
}

Result<Value> applyFilter(const std::string& name, const Value& input, const Arguments& arguments, Budget& budget)
{
    SA_CHECK(budget.step());
    const auto filter = kFilters.find(name);
    if (filter == kFilters.end())
        return notKnown("filter", name);
    return filter->second(input, arguments, budget);
}

Result<bool> applyTest(const std::string& name, const Value& input, const Arguments& arguments)
{
    const auto test = kTests.find(name);
    if (test == kTests.end())
        return notKnown("test", name);
    const TestEntry& entry = test->second;
    if (arguments.positional.size() != entry.arguments)
        return templateError("the test " + name + " needs " + std::to_string(entry.arguments) + " arguments");
    return entry.test(input, entry.arguments > 0 ? arguments.positional[0] : Value());
}

} // namespace sa::jinja
