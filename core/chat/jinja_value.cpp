// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/chat/jinja_value.h"

#include <algorithm>
#include <cmath>

namespace sa::jinja
{

const Value* Dict::find(std::string_view key) const
{
    for (const auto& [name, value] : members)
        if (name == key)
            return &value;
    return nullptr;
}

void Dict::set(const std::string& key, Value value)
{
    for (auto& [name, old] : members) {
        if (name == key) {
            old = std::move(value);
            return;
        }
    }
    members.emplace_back(key, std::move(value));
}

Value Object::attribute(const std::string& name) const
{
    return Value(Undefined{"the object has no attribute '" + name + "'"});
}

namespace
{

constexpr std::size_t kMaxWeight = std::size_t{1} << 40;

void addInside(const Value& item, std::size_t keyBytes, int& depth, std::size_t& weight)
{
    depth = std::max(depth, item.depth() + 1);
    weight = std::min(kMaxWeight, weight + keyBytes + item.weight() + 4);
}

} // namespace

std::size_t Value::weight() const
{
    return text() ? text()->size() : list() ? list()->weight : dict() ? dict()->weight : 8;
}

Value::Value(List value)
{
    for (const Value& item : value.items)
        addInside(item, 0, value.depth, value.weight);
    m_value = std::make_shared<const List>(std::move(value));
}

Value::Value(Dict value)
{
    for (const auto& [key, member] : value.members)
        addInside(member, key.size(), value.depth, value.weight);
    m_value = std::make_shared<const Dict>(std::move(value));
}

int Value::depth() const
{
    return list() ? list()->depth : dict() ? dict()->depth : 0;
}

Value Value::fromJson(const Json& json)
{
    switch (json.type()) {
    case Json::value_t::boolean:
        return json.get<bool>();
    case Json::value_t::number_integer:
        return json.get<std::int64_t>();
    case Json::value_t::number_unsigned:
        if (json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
            return json.get<double>();
        return json.get<std::int64_t>();
    case Json::value_t::number_float:
        return json.get<double>();
    case Json::value_t::string:
        return json.get<std::string>();
    case Json::value_t::array: {
        List out;
        for (const Json& item : json)
            out.items.push_back(fromJson(item));
        return out;
    }
    case Json::value_t::object: {
        Dict out;
        for (const auto& [key, value] : json.items())
            out.members.emplace_back(key, fromJson(value));
        return out;
    }
    default:
        return {};
    }
}

double Value::number() const
{
    if (const bool* value = boolean())
        return *value ? 1 : 0;
    if (const std::int64_t* value = integer())
        return static_cast<double>(*value);
    const double* value = real();
    return value ? *value : 0;
}

bool Value::truth() const
{
    if (isNone() || isUndefined())
        return false;
    if (isNumber())
        return number() != 0;
    if (const auto* value = text())
        return !value->empty();
    if (const auto* value = list())
        return !value->items.empty();
    if (const auto* value = dict())
        return !value->members.empty();
    return true;
}

std::string Value::typeName() const
{
    if (isNone())
        return "None";
    if (isUndefined())
        return "Undefined";
    if (boolean())
        return "bool";
    if (integer())
        return "int";
    if (real())
        return "float";
    if (text())
        return "str";
    if (const auto* value = list())
        return value->isTuple ? "tuple" : "list";
    return dict() ? "dict" : "object";
}

Error templateError(const std::string& what)
{
    return makeError(Errc::BadFormat, "the chat template fails").butFound(display(what));
}

bool equal(const Value& a, const Value& b)
{
    if (a.integer() && b.integer())
        return *a.integer() == *b.integer();
    if (a.isNumber() && b.isNumber())
        return a.number() == b.number();
    if (a.text() && b.text())
        return *a.text() == *b.text();
    if (a.list() && b.list())
        return a.list()->isTuple == b.list()->isTuple &&
               std::equal(a.list()->items.begin(), a.list()->items.end(), b.list()->items.begin(),
                          b.list()->items.end(), equal);
    if (a.dict() && b.dict())
        return a.dict()->members.size() == b.dict()->members.size() &&
               std::all_of(a.dict()->members.begin(), a.dict()->members.end(), [&](const auto& member) {
                   const Value* const other = b.dict()->find(member.first);
                   return other && equal(member.second, *other);
               });
    if (a.object() || b.object())
        return a.object() == b.object();
    return (a.isNone() && b.isNone()) || (a.isUndefined() && b.isUndefined());
}

Result<bool> less(const Value& a, const Value& b)
{
    for (const Value* value : {&a, &b})
        if (const auto* undefined = value->undefined())
            return templateError(undefined->what);
    if (a.integer() && b.integer())
        return *a.integer() < *b.integer();
    if (a.isNumber() && b.isNumber())
        return a.number() < b.number();
    if (a.text() && b.text())
        return *a.text() < *b.text();
    if (a.list() && b.list()) {
        const auto& left = a.list()->items;
        const auto& right = b.list()->items;
        for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i)
            if (!equal(left[i], right[i]))
                return less(left[i], right[i]);
        return left.size() < right.size();
    }
    return templateError("'<' not supported between instances of '" + a.typeName() + "' and '" + b.typeName() + "'");
}

Result<bool> contains(const Value& haystack, const Value& needle)
{
    if (const auto* text = haystack.text()) {
        if (!needle.text())
            return templateError("'in <string>' requires string as left operand, not " + needle.typeName());
        return text->find(*needle.text()) != std::string::npos;
    }
    if (const auto* list = haystack.list())
        return std::any_of(list->items.begin(), list->items.end(),
                           [&](const Value& item) { return equal(item, needle); });
    if (const auto* dict = haystack.dict())
        return needle.text() && dict->find(*needle.text());
    if (haystack.isUndefined()) // empty, as when it is iterated over
        return false;
    return templateError("argument of type '" + haystack.typeName() + "' is not iterable");
}

} // namespace sa::jinja
