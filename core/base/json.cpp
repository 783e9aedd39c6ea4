// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json.h"

#include "core/base/file.h"

#include <limits>

namespace sa
{

namespace
{

/// Builds the value and refuses what the library would let pass: duplicate keys and unbounded depth.
class StrictBuilder
{
public:
    explicit StrictBuilder(int maxDepth)
        : m_maxDepth(maxDepth)
    {
    }

    bool null() { return put(nullptr); }
    bool boolean(bool value) { return put(value); }
    bool number_integer(Json::number_integer_t value) { return put(value); }
    bool number_unsigned(Json::number_unsigned_t value) { return put(value); }
    bool number_float(Json::number_float_t value, const std::string&)
    {
        return put(value);
    } // overflow is a parse error
    bool string(std::string& value) { return put(std::move(value)); }
    bool binary(Json::binary_t&) { return fail("binary data is not JSON", {}); }
    bool start_object(std::size_t) { return open(Json::object()); }
    bool end_object() { return close(); }
    bool start_array(std::size_t) { return open(Json::array()); }
    bool end_array() { return close(); }
    bool key(std::string& value)
    {
        const auto [place, isNew] = m_stack.back()->get_ref<Json::object_t&>().emplace(value, nullptr);
        if (!isNew)
            return fail("the same name occurs twice in one object", value);
        m_member = &place->second;
        return true;
    }
    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error)
    {
        // The library's text starts with "[json.exception...] parse error at line L, column C: "; the tail is readable.
        std::string text = error.what();
        if (const auto bracket = text.find("] "); bracket != std::string::npos)
            text.erase(0, bracket + 2);
        m_error = makeError(Errc::BadFormat, "this is not valid JSON (" + display(text) + ")")
                      .at("byte " + std::to_string(position));
        return false;
    }

    Json take() { return std::move(m_root); }
    Error takeError() { return std::move(m_error); }

private:
    template<class V> bool put(V&& value)
    {
        slot(Json(std::forward<V>(value)));
        return true;
    }
    Json* slot(Json&& value)
    {
        if (m_stack.empty()) {
            m_root = std::move(value);
            return &m_root;
        }
        Json& parent = *m_stack.back();
        if (parent.is_array()) {
            auto& items = parent.get_ref<Json::array_t&>();
            items.push_back(std::move(value));
            return &items.back();
        }
        *m_member = std::move(value);
        return m_member;
    }
    bool open(Json&& container)
    {
        if (static_cast<int>(m_stack.size()) >= m_maxDepth)
            return fail("the JSON is nested too deeply", "more than " + std::to_string(m_maxDepth) + " levels");
        m_stack.push_back(slot(std::move(container)));
        return true;
    }
    bool close()
    {
        m_stack.pop_back();
        return true;
    }
    bool fail(std::string message, std::string found)
    {
        m_error = makeError(Errc::BadFormat, std::move(message)).butFound(std::move(found));
        return false;
    }

    int m_maxDepth;
    Json m_root;
    /// Open containers. A container's address is stable while it is open: only its own children are appended below it.
    std::vector<Json*> m_stack;
    Json* m_member = nullptr;
    Error m_error = makeError(Errc::BadFormat, "this is not valid JSON");
};

std::string shortForm(const Json& value)
{
    switch (value.type()) {
    case Json::value_t::object:
        return "an object";
    case Json::value_t::array:
        return "a list";
    case Json::value_t::string:
        return "\"" + display(value.get_ref<const std::string&>(), 60) + "\"";
    default:
        return display(json::dump(value), 60);
    }
}

std::string rangeText(const std::string& kind, const std::string& min, const std::string& max)
{
    return kind + " from " + min + " to " + max;
}

std::string numberText(double value)
{
    return json::dump(Json(value));
}

} // namespace

namespace json
{

Result<Json> parse(std::string_view text, const std::string& file, Limits limits)
{
    if (text.size() > limits.maxBytes)
        return makeError(Errc::BadFormat, "the JSON is larger than this place allows")
            .in(file)
            .butFound(std::to_string(text.size()) + " bytes")
            .wanted("at most " + std::to_string(limits.maxBytes));
    if (text.substr(0, 3) == "\xEF\xBB\xBF")
        return makeError(Errc::BadFormat, "the JSON starts with a byte order mark").in(file).wanted("plain UTF-8");
    // The library stops at a NUL byte as if the text ended there.
    if (const auto nul = text.find('\0'); nul != std::string_view::npos)
        return makeError(Errc::BadFormat, "the JSON contains a NUL byte").in(file).at("byte " + std::to_string(nul));
    StrictBuilder builder(limits.maxDepth);
    if (!Json::sax_parse(text.begin(), text.end(), &builder, Json::input_format_t::json, true))
        return builder.takeError().in(file);
    return builder.take();
}

Result<Json> parseFile(const std::string& path, Limits limits)
{
    SA_TRY(const std::string text, readFile(path, limits.maxBytes));
    return parse(text, path, limits);
}

std::string dump(const Json& value)
{
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string dumpPretty(const Json& value)
{
    return value.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json fromError(const Error& error)
{
    Json out{{"code", name(error.code)}, {"message", error.message}};
    const auto add = [&](const char* key, const std::string& text) {
        if (!text.empty())
            out[key] = text;
    };
    add("file", error.file);
    add("where", error.where);
    add("found", error.found);
    add("expected", error.expected);
    add("remedy", error.remedy);
    return out;
}

Error toError(const Json& value)
{
    const auto text = [&](const char* key) -> std::string {
        const auto it = value.find(key);
        return it != value.end() && it->is_string() ? it->get<std::string>() : std::string();
    };
    if (!value.is_object())
        return makeError(Errc::Protocol, "an error without a description");
    Error error = makeError(errcFromName(text("code")), text("message"));
    error.file = text("file");
    error.where = text("where");
    error.found = text("found");
    error.expected = text("expected");
    error.remedy = text("remedy");
    return error;
}

} // namespace json

JsonField::JsonField(const Json& value, std::string file, std::string path)
    : m_value(&value)
    , m_file(std::move(file))
    , m_path(std::move(path))
{
}

bool JsonField::has(const std::string& key) const
{
    return find(key).has_value();
}

Result<JsonField> JsonField::at(const std::string& key) const
{
    if (!m_value->is_object())
        return wrong("an object");
    const auto it = m_value->find(key);
    const std::string path = m_path.empty() ? key : m_path + "." + key;
    if (it == m_value->end())
        return makeError(Errc::BadFormat, "a required field is missing").in(m_file).at(path);
    return JsonField(*it, m_file, path);
}

std::optional<JsonField> JsonField::find(const std::string& key) const
{
    if (!m_value->is_object())
        return std::nullopt;
    const auto it = m_value->find(key);
    if (it == m_value->end() || it->is_null())
        return std::nullopt;
    return JsonField(*it, m_file, m_path.empty() ? key : m_path + "." + key);
}

Result<std::vector<JsonField>> JsonField::elements(std::size_t maxCount) const
{
    if (!m_value->is_array())
        return wrong("a list");
    if (m_value->size() > maxCount)
        return wrong("a list of at most " + std::to_string(maxCount) + " elements");
    std::vector<JsonField> out;
    out.reserve(m_value->size());
    for (std::size_t i = 0; i < m_value->size(); ++i)
        out.emplace_back((*m_value)[i], m_file, m_path + "[" + std::to_string(i) + "]");
    return out;
}

Result<std::vector<std::pair<std::string, JsonField>>> JsonField::members() const
{
    if (!m_value->is_object())
        return wrong("an object");
    std::vector<std::pair<std::string, JsonField>> out;
    out.reserve(m_value->size());
    for (const auto& [key, value] : m_value->items())
        out.emplace_back(key, JsonField(value, m_file, m_path.empty() ? key : m_path + "." + key));
    return out;
}

Result<std::int64_t> JsonField::asInt(std::int64_t min, std::int64_t max) const
{
    const auto expected = [&] { return rangeText("an integer", std::to_string(min), std::to_string(max)); };
    if (!m_value->is_number_integer())
        return wrong(expected());
    if (m_value->is_number_unsigned() &&
        m_value->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        return wrong(expected());
    const auto value = m_value->get<std::int64_t>();
    if (value < min || value > max)
        return wrong(expected());
    return value;
}

Result<double> JsonField::asDouble(double min, double max) const
{
    if (!m_value->is_number())
        return wrong(rangeText("a number", numberText(min), numberText(max)));
    const double value = m_value->get<double>();
    if (!(value >= min && value <= max))
        return wrong(rangeText("a number", numberText(min), numberText(max)));
    return value;
}

Result<bool> JsonField::asBool() const
{
    if (!m_value->is_boolean())
        return wrong("true or false");
    return m_value->get<bool>();
}

Result<std::string> JsonField::asString() const
{
    if (!m_value->is_string())
        return wrong("a text");
    return m_value->get<std::string>();
}

Result<std::int64_t> JsonField::intAt(const std::string& key, std::int64_t min, std::int64_t max) const
{
    SA_TRY(const JsonField field, at(key));
    return field.asInt(min, max);
}

Result<std::int64_t> JsonField::intOr(const std::string& key, std::int64_t fallback, std::int64_t min,
                                      std::int64_t max) const
{
    const auto field = find(key);
    return field ? field->asInt(min, max) : Result<std::int64_t>(fallback);
}

Result<double> JsonField::doubleOr(const std::string& key, double fallback, double min, double max) const
{
    const auto field = find(key);
    return field ? field->asDouble(min, max) : Result<double>(fallback);
}

Result<bool> JsonField::boolOr(const std::string& key, bool fallback) const
{
    const auto field = find(key);
    return field ? field->asBool() : Result<bool>(fallback);
}

Result<std::string> JsonField::stringAt(const std::string& key) const
{
    SA_TRY(const JsonField field, at(key));
    return field.asString();
}

Result<std::string> JsonField::stringOr(const std::string& key, std::string fallback) const
{
    const auto field = find(key);
    return field ? field->asString() : Result<std::string>(std::move(fallback));
}

Error JsonField::wrong(const std::string& expected) const
{
    return makeError(Errc::BadFormat, "a field has the wrong type or value")
        .in(m_file)
        .at(m_path.empty() ? "(top level)" : m_path)
        .butFound(shortForm(*m_value))
        .wanted(expected);
}

} // namespace sa
