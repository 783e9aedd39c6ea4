// SPDX-License-Identifier: GPL-3.0-or-later
// Parts of values, iteration and the methods of texts, lists and dicts: what Python offers on them and does not change
// them.
#pragma once

#include "core/chat/jinja_value.h"

#include <optional>

namespace sa::jinja
{

/// What one rendering may still do; a template cannot run for ever, or fill the memory.
struct Budget {
    std::int64_t steps = 5'000'000;
    std::int64_t bytes = std::int64_t{256} << 20; ///< of all texts and lists ever made

    Result<void> step();
    Result<void> charge(std::size_t count);
};

struct Arguments {
    std::vector<Value> positional;
    std::vector<std::pair<std::string, Value>> named;

    /// By place or by name; null when not given.
    const Value* find(std::size_t place, std::string_view name) const;
    /// An error unless at most `most` are given.
    Result<void> atMost(std::size_t most, const std::string& what) const;
};

/// value.name: an entry of a dict. Undefined when there is none; an error on an undefined value.
Result<Value> attributeOf(const Value& value, const std::string& name);
/// value[key]
Result<Value> itemOf(const Value& value, const Value& key);
/// value[start:stop:step]; null for what was left out.
Result<Value> sliceOf(const Value& value, const Value* start, const Value* stop, const Value* step, Budget& budget);
/// The values that a loop over `value` sees: items, keys, or characters.
Result<std::vector<Value>> iterate(const Value& value, Budget& budget);
/// Characters of a text, items of a list or dict; nothing for others.
std::optional<std::size_t> lengthOf(const Value& value);

/// Whether `value` has a method of that name; a dict's own entries do not count.
bool hasMethod(const Value& value, const std::string& name);
Result<Value> callMethod(const Value& value, const std::string& name, const Arguments& arguments, Budget& budget);

/// str.strip(): `characters` empty means white space.
std::string strip(std::string_view text, std::string_view characters, bool left, bool right);
std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string capitalize(std::string_view text);
std::string title(std::string_view text);
Result<std::string> replaceAll(const std::string& text, const std::string& from, const std::string& to,
                               std::int64_t most, Budget& budget);

} // namespace sa::jinja
