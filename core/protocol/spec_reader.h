// SPDX-License-Identifier: GPL-3.0-or-later
// Reads the members of a job's spec (docs/PROTOCOL.md) with their ranges; every error names the member.
#pragma once

#include "core/protocol/job_spec.h"

#include <charconv>
#include <initializer_list>
#include <limits>

namespace sa
{

inline constexpr std::int64_t kMaxInt = std::numeric_limits<std::int32_t>::max();
inline constexpr std::int64_t kMaxSeed = std::numeric_limits<std::int64_t>::max();
inline constexpr int kMaxThreads = 1024;
inline constexpr std::size_t kMaxCalibrationFiles = 1000;
inline constexpr std::size_t kMaxMessages = 10'000;
inline constexpr std::size_t kMaxForced = 1'000'000;

/// Reads members with the fallback of the value they are read into: the structs in the header are the table of
/// defaults.
class SpecReader
{
public:
    explicit SpecReader(const Json& spec)
        : m_spec(spec, {}, "spec")
    {
    }

    bool has(const char* key) const { return m_spec.has(key); }
    Result<void> integer(const char* key, int& value, std::int64_t min, std::int64_t max) const
    {
        SA_TRY(const auto number, m_spec.intOr(key, value, min, max));
        value = static_cast<int>(number);
        return {};
    }
    Result<void> integer(const char* key, std::optional<int>& value, std::int64_t min, std::int64_t max) const
    {
        if (!m_spec.has(key))
            return {};
        SA_TRY(const auto number, m_spec.intAt(key, min, max));
        value = static_cast<int>(number);
        return {};
    }
    Result<void> oneOf(const char* key, int& value, std::initializer_list<int> choices) const
    {
        const auto field = m_spec.find(key);
        if (!field)
            return {};
        std::string expected;
        for (const int choice : choices) {
            if (field->raw().is_number_integer() && field->raw() == choice) {
                value = choice;
                return {};
            }
            expected += (expected.empty() ? "" : ", ") + std::to_string(choice);
        }
        return field->wrong("one of " + expected);
    }
    Result<void> seed(std::uint64_t& value) const
    {
        SA_TRY(const auto number, m_spec.intOr("seed", 0, 0, kMaxSeed));
        value = static_cast<std::uint64_t>(number);
        return {};
    }
    Result<void> number(const char* key, double& value, double min, double max) const
    {
        SA_TRY(value, m_spec.doubleOr(key, value, min, max));
        return {};
    }
    /// A number in ]0, 1].
    Result<void> fraction(const char* key, double& value) const
    {
        constexpr const char* expected = "a number above 0 and at most 1";
        const auto field = m_spec.find(key);
        if (!field)
            return {};
        const auto parsed = field->asDouble(0.0, 1.0);
        if (!parsed || *parsed == 0.0)
            return field->wrong(expected);
        value = *parsed;
        return {};
    }
    Result<void> flag(const char* key, bool& value) const
    {
        SA_TRY(value, m_spec.boolOr(key, value));
        return {};
    }
    /// Null or absent: the default of the mode.
    Result<void> flag(const char* key, std::optional<bool>& value) const
    {
        if (const auto field = m_spec.find(key)) {
            SA_TRY(value, m_spec.boolOr(key, false));
        }
        return {};
    }
    Result<void> text(const char* key, std::string& value) const
    {
        if (!m_spec.has(key))
            return missing(key);
        SA_TRY(const JsonField field, m_spec.at(key));
        SA_TRY(value, plainText(field));
        return {};
    }
    Result<void> path(const char* key, std::string& value) const
    {
        SA_CHECK(text(key, value));
        if (value.empty())
            return missing(key);
        return {};
    }
    Result<void> paths(const char* key, std::vector<std::string>& value) const
    {
        const auto field = m_spec.find(key);
        if (!field)
            return {};
        SA_TRY(const auto elements, field->elements(kMaxCalibrationFiles));
        for (const JsonField& element : elements) {
            SA_TRY(std::string path, plainText(element));
            if (path.empty())
                return element.wrong("a path");
            value.push_back(std::move(path));
        }
        return {};
    }
    /// Different integers in ascending order, at least one.
    Result<void> ascending(const char* key, std::vector<int>& value, std::int64_t min, std::int64_t max) const
    {
        const auto field = m_spec.find(key);
        if (!field)
            return {};
        SA_TRY(const auto elements, field->elements(64));
        std::vector<int> numbers;
        for (const JsonField& element : elements) {
            SA_TRY(const auto number, element.asInt(min, max));
            if (!numbers.empty() && number <= numbers.back())
                return field->wrong("different numbers in ascending order");
            numbers.push_back(static_cast<int>(number));
        }
        if (numbers.empty())
            return field->wrong("at least one number");
        value = std::move(numbers);
        return {};
    }
    /// Absent or null: as it is; otherwise a text that is not empty.
    Result<void> optionalPath(const char* key, std::string& value) const
    {
        return has(key) ? path(key, value) : Result<void>();
    }
    Result<void> optionalNumber(const char* key, std::optional<double>& value, double min, double max) const
    {
        if (!m_spec.has(key))
            return {};
        SA_TRY(const JsonField field, m_spec.at(key));
        SA_TRY(value, field.asDouble(min, max));
        return {};
    }
    Result<void> optionalText(const char* key, std::string& value) const
    {
        return has(key) ? text(key, value) : Result<void>();
    }
    template<class Integer>
    Result<void> integers(const char* key, std::vector<Integer>& value, std::int64_t min, std::int64_t max,
                          std::size_t most) const
    {
        const auto field = m_spec.find(key);
        if (!field)
            return {};
        SA_TRY(const auto elements, field->elements(most));
        value.clear();
        for (const JsonField& element : elements) {
            SA_TRY(const std::int64_t number, element.asInt(min, max));
            value.push_back(static_cast<Integer>(number));
        }
        return {};
    }
    Result<void> messages(std::vector<MessageSpec>& value) const
    {
        const auto field = m_spec.find("messages");
        if (!field)
            return {};
        SA_TRY(const auto elements, field->elements(kMaxMessages));
        for (const JsonField& element : elements) {
            if (!element.isObject())
                return element.wrong("an object with role and content");
            SA_TRY(const JsonField role, element.at("role"));
            SA_TRY(const JsonField content, element.at("content"));
            MessageSpec message;
            SA_TRY(message.role, plainText(role));
            SA_TRY(message.content, plainText(content));
            value.push_back(std::move(message));
        }
        return {};
    }
    /// The error that a member is needed.
    Error missing(const char* key) const
    {
        return makeError(Errc::Usage, "a required field is missing").at(m_spec.path() + "." + key);
    }
    Error wrong(const char* key, std::string message, std::string expected) const
    {
        return makeError(Errc::Usage, std::move(message)).at(m_spec.path() + "." + key).wanted(std::move(expected));
    }

    Result<void> choice(const char* key, std::string& value, std::initializer_list<const char*> choices) const
    {
        const auto field = m_spec.find(key);
        if (!field)
            return {};
        std::string expected;
        for (const char* choice : choices) {
            if (field->isString() && field->raw() == choice) {
                value = choice;
                return {};
            }
            expected += (expected.empty() ? "\"" : " or \"") + std::string(choice) + "\"";
        }
        return field->wrong(expected);
    }
    Result<void> device(std::string& value) const
    {
        const auto field = m_spec.find("device");
        if (!field)
            return {};
        if (!field->isString() || !isDevice(field->raw().get_ref<const std::string&>()))
            return field->wrong("\"cpu\" or \"cuda:N\"");
        value = field->raw().get<std::string>();
        return {};
    }
    Result<void> object(const char* key, Json& value) const
    {
        const auto field = m_spec.find(key);
        if (!field)
            return {};
        if (!field->isObject())
            return field->wrong("an object");
        value = field->raw();
        return {};
    }
    Result<void> cpuPrecision(std::string& value) const { return choice("cpu_precision", value, {"exact", "fast"}); }
    Result<void> threads(int& value) const { return integer("threads", value, 0, kMaxThreads); }

private:
    static bool isDevice(const std::string& text)
    {
        if (text == "cpu")
            return true;
        const std::string prefix = "cuda:";
        const bool hasNumber = text.rfind(prefix, 0) == 0 && text.size() > prefix.size() &&
                               text.size() <= prefix.size() + 3 &&
                               text.find_first_not_of("0123456789", prefix.size()) == std::string::npos;
        return hasNumber && (text[prefix.size()] != '0' || text.size() == prefix.size() + 1);
    }
    /// Paths and prompts end in system calls and in argument lists, where a NUL would cut them silently.
    static Result<std::string> plainText(const JsonField& field)
    {
        SA_TRY(std::string text, field.asString());
        if (text.find('\0') != std::string::npos)
            return field.wrong("a text without NUL characters");
        return text;
    }
    JsonField m_spec;
};

} // namespace sa
