// SPDX-License-Identifier: GPL-3.0-or-later
// The one JSON reader. Stricter than the library it wraps: bounded size and depth, no duplicate keys, strict UTF-8,
// nothing after the value, numbers with ranges. Every format in the program goes through it.
#pragma once

#include "core/base/result.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sa
{

using Json = nlohmann::json;

namespace json
{

struct Limits {
    std::size_t maxBytes = 64u << 20;
    int maxDepth = 64;
};

/// `file` is only used in errors. Refuses: oversize, BOM, invalid UTF-8, duplicate keys, depth, trailing bytes,
/// NaN/Infinity and numbers beyond double.
Result<Json> parse(std::string_view text, const std::string& file, Limits limits = {});
/// Reads and parses one regular file.
Result<Json> parseFile(const std::string& path, Limits limits = {});

/// Compact and deterministic (keys sorted, shortest round-trip numbers, UTF-8; invalid bytes are replaced).
std::string dump(const Json& value);
/// The same with two spaces of indentation and a final newline, for files that people read.
std::string dumpPretty(const Json& value);

/// {"code":..., "message":..., and the other fields that are not empty}
Json fromError(const Error& error);
Error toError(const Json& value);

} // namespace json

/// A value together with the file and the dotted path it came from, so that every complaint can name both.
/// Borrowed: the Json must outlive the field.
class JsonField
{
public:
    JsonField(const Json& value, std::string file, std::string path = {});

    const Json& raw() const { return *m_value; }
    const std::string& file() const { return m_file; }
    const std::string& path() const { return m_path; }
    bool isNull() const { return m_value->is_null(); }
    bool isObject() const { return m_value->is_object(); }
    bool isArray() const { return m_value->is_array(); }
    bool isString() const { return m_value->is_string(); }

    bool has(const std::string& key) const;                      ///< present and not null
    Result<JsonField> at(const std::string& key) const;          ///< missing: BadFormat naming the path
    std::optional<JsonField> find(const std::string& key) const; ///< absent or null: nothing
    Result<std::vector<JsonField>> elements(std::size_t maxCount = 10'000'000) const; ///< array
    Result<std::vector<std::pair<std::string, JsonField>>> members() const;           ///< object

    Result<std::int64_t> asInt(std::int64_t min, std::int64_t max) const; ///< integers only; 3.0 is refused
    Result<double> asDouble(double min, double max) const;                ///< finite, within [min, max]
    Result<bool> asBool() const;
    Result<std::string> asString() const;

    /// Shorthands for object members.
    Result<std::int64_t> intAt(const std::string& key, std::int64_t min, std::int64_t max) const;
    Result<std::int64_t> intOr(const std::string& key, std::int64_t fallback, std::int64_t min, std::int64_t max) const;
    Result<double> doubleOr(const std::string& key, double fallback, double min, double max) const;
    Result<bool> boolOr(const std::string& key, bool fallback) const;
    Result<std::string> stringAt(const std::string& key) const;
    Result<std::string> stringOr(const std::string& key, std::string fallback) const;

    /// BadFormat at this place: "expected <expected>, found <short form of the value>".
    Error wrong(const std::string& expected) const;

private:
    const Json* m_value;
    std::string m_file;
    std::string m_path;
};

} // namespace sa
