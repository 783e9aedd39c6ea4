// SPDX-License-Identifier: GPL-3.0-or-later
// Values of the template language, with Python's rules: truth, equality, order, text.
#pragma once

#include "core/base/json.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sa::jinja
{

class Value;

struct Undefined {
    std::string what; ///< "'x' is undefined", for the error when it is used
};
struct List {
    std::vector<Value> items;
    bool isTuple = false;
    int depth = 1;          ///< of the lists and dicts in each other; this and the next are set when it becomes a Value
    std::size_t weight = 0; ///< about the bytes that it has when written out; a list may occur in itself many times
};
/// In the order of insertion. Keys are texts only.
struct Dict {
    std::vector<std::pair<std::string, Value>> members;
    int depth = 1;
    std::size_t weight = 0;
    const Value* find(std::string_view key) const;
    void set(const std::string& key, Value value);
};
/// What changes (a namespace) or can be called (a macro); the interpreter knows the kinds.
struct Object {
    virtual ~Object() = default;
    virtual Value attribute(const std::string& name) const; ///< Undefined when there is none
};

/// Cheap to copy: texts, lists and dicts are shared and never change.
class Value
{
public:
    Value() = default; ///< None
    Value(Undefined value)
        : m_value(std::make_shared<const Undefined>(std::move(value)))
    {
    }
    Value(bool value)
        : m_value(value)
    {
    }
    Value(std::int64_t value)
        : m_value(value)
    {
    }
    Value(double value)
        : m_value(value)
    {
    }
    Value(std::string value)
        : m_value(std::make_shared<const std::string>(std::move(value)))
    {
    }
    Value(std::string_view value)
        : Value(std::string(value))
    {
    }
    Value(const char* value)
        : Value(std::string(value))
    {
    }
    Value(List value);
    Value(Dict value);
    Value(std::shared_ptr<Object> value)
        : m_value(std::move(value))
    {
    }
    static Value fromJson(const Json& json);

    bool isUndefined() const { return undefined() != nullptr; }
    bool isNone() const { return std::holds_alternative<std::monostate>(m_value); }
    const Undefined* undefined() const { return pointer<Undefined>(); }
    const bool* boolean() const { return std::get_if<bool>(&m_value); }
    const std::int64_t* integer() const { return std::get_if<std::int64_t>(&m_value); }
    const double* real() const { return std::get_if<double>(&m_value); }
    const std::string* text() const { return pointer<std::string>(); }
    const List* list() const { return pointer<List>(); }
    const Dict* dict() const { return pointer<Dict>(); }
    Object* object() const
    {
        const auto* held = std::get_if<std::shared_ptr<Object>>(&m_value);
        return held ? held->get() : nullptr;
    }
    bool isNumber() const { return boolean() || integer() || real(); }
    int depth() const;          ///< of lists and dicts in each other; everything else has 0
    std::size_t weight() const; ///< about the bytes that it has when written out, at most 2^40
    double number() const;      ///< of a bool, an integer or a real; else 0

    bool truth() const;
    std::string typeName() const; ///< Python's: "str"

private:
    template<class T> const T* pointer() const
    {
        const auto* held = std::get_if<std::shared_ptr<const T>>(&m_value);
        return held ? held->get() : nullptr;
    }
    std::variant<std::monostate, bool, std::int64_t, double, std::shared_ptr<const Undefined>,
                 std::shared_ptr<const std::string>, std::shared_ptr<const List>, std::shared_ptr<const Dict>,
                 std::shared_ptr<Object>>
        m_value;
};

bool equal(const Value& a, const Value& b);
/// a < b; an error for values that have no order.
Result<bool> less(const Value& a, const Value& b);
/// `needle in haystack`.
Result<bool> contains(const Value& haystack, const Value& needle);

std::string toText(const Value& value); ///< str()
std::string toRepr(const Value& value); ///< repr()

struct JsonStyle {
    int indent = -1; ///< -1: one line
    bool asciiOnly = false;
    bool sortKeys = false;
    std::string itemSeparator; ///< empty: Python's default
    std::string keySeparator;
};
Result<std::string> toJsonText(const Value& value, const JsonStyle& style);

/// What a failing template reports; the caller adds the line.
Error templateError(const std::string& what);

} // namespace sa::jinja
