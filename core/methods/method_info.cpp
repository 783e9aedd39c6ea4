// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/methods/method_info.h"

#include "core/base/file.h"
#include "core/methods/method_options.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace sa
{

namespace
{

constexpr std::size_t kMaxFileBytes = 1u << 20;
constexpr std::size_t kMaxParameters = 200;
constexpr std::size_t kMaxChoices = 100;
constexpr std::pair<const char*, ParameterInfo::Type> kTypes[] = {{"integer", ParameterInfo::Type::Integer},
                                                                  {"number", ParameterInfo::Type::Number},
                                                                  {"flag", ParameterInfo::Type::Flag},
                                                                  {"choice", ParameterInfo::Type::Choice}};

/// Identifiers end in file names, option names and JSON members.
Result<std::string> identifier(const JsonField& field, const char* allowed, const char* expected)
{
    SA_TRY(std::string text, field.asString());
    if (text.empty() || text.size() > 60 || text.find_first_not_of(allowed) != std::string::npos)
        return field.wrong(expected);
    return text;
}

Result<std::string> identifierAt(const JsonField& object, const std::string& key, const char* allowed,
                                 const char* expected)
{
    SA_TRY(const JsonField field, object.at(key));
    return identifier(field, allowed, expected);
}

constexpr const char* kIdLetters = "abcdefghijklmnopqrstuvwxyz0123456789-";
constexpr const char* kKeyLetters = "abcdefghijklmnopqrstuvwxyz0123456789_";

Result<void> parseRange(const JsonField& field, ParameterInfo& out)
{
    constexpr double kLargest = 9007199254740992.0; // 2^53: whole numbers are exact up to there
    SA_TRY(out.min, field.doubleOr("min", -kLargest, -kLargest, kLargest));
    SA_TRY(out.max, field.doubleOr("max", kLargest, -kLargest, kLargest));
    if (out.min > out.max)
        return field.wrong("min at most max");
    if (out.type == ParameterInfo::Type::Integer && (std::floor(out.min) != out.min || std::floor(out.max) != out.max))
        return field.wrong("whole numbers as the range of an integer");
    return {};
}

Result<ParameterInfo> parseParameter(const JsonField& field)
{
    ParameterInfo out;
    SA_TRY(out.key, identifierAt(field, "key", kKeyLetters, "a name of lower-case letters, digits and _"));
    SA_TRY(out.name, field.stringAt("name"));
    SA_TRY(out.help, field.stringAt("help"));
    SA_TRY(out.unit, field.stringOr("unit", ""));
    SA_TRY(const JsonField type, field.at("type"));
    const auto* known = std::find_if(std::begin(kTypes), std::end(kTypes),
                                     [&](const auto& entry) { return type.raw() == entry.first; });
    if (known == std::end(kTypes))
        return type.wrong("integer, number, flag or choice");
    out.type = known->second;
    if (out.type == ParameterInfo::Type::Choice) {
        SA_TRY(const JsonField choices, field.at("choices"));
        SA_TRY(const auto elements, choices.elements(kMaxChoices));
        for (const auto& element : elements) {
            SA_TRY(std::string choice, identifier(element, "abcdefghijklmnopqrstuvwxyz0123456789_-",
                                                  "a choice of lower-case letters, digits, _ and -"));
            out.choices.push_back(std::move(choice));
        }
        if (out.choices.empty())
            return choices.wrong("at least one choice");
    } else {
        SA_CHECK(parseRange(field, out));
    }
    SA_TRY(const JsonField fallback, field.at("default"));
    SA_TRY(out.fallback, checkedOption(out, fallback));
    return out;
}

Result<void> parseNeeds(const JsonField& field, MethodInfo& out)
{
    SA_TRY(const JsonField needs, field.at("needs"));
    SA_TRY(const JsonField hessian, needs.at("hessian"));
    out.hessianWhen = Json::object();
    if (!hessian.isObject()) {
        SA_TRY(out.hessian, hessian.asBool());
        return {};
    }
    out.hessian = true;
    SA_TRY(const auto conditions, hessian.members());
    for (const auto& [key, condition] : conditions) {
        const ParameterInfo* parameter = out.find(key);
        if (!parameter)
            return condition.wrong("the key of a parameter");
        SA_TRY(out.hessianWhen[key], checkedOption(*parameter, condition));
    }
    return {};
}

Result<void> parseLibrary(const JsonField& field, const std::string& path, MethodInfo& out)
{
    if (const auto builtIn = field.find("built_in")) {
        SA_TRY(const bool inside, builtIn->asBool());
        if (inside && out.id != kBuiltInMethod)
            return builtIn->wrong("false: the program brings one method of its own");
        if (inside)
            return {};
    }
    const std::string fileName = path.substr(path.rfind('/') + 1), folder = path.substr(0, path.rfind('/') + 1);
    const std::string stem = fileName.substr(0, fileName.rfind('.'));
    SA_TRY(const std::string library, field.stringOr("library", stem + ".so"));
    if (library.empty() || library.find('/') != std::string::npos || library.find('\0') != std::string::npos)
        return field.wrong("a library beside the metadata, named without a folder");
    out.library = folder + library;
    return {};
}

Result<MethodInfo> parse(const JsonField& field, const std::string& path)
{
    if (!field.isObject())
        return field.wrong("an object");
    SA_TRY(const auto api, field.intAt("api", 1, std::numeric_limits<std::int32_t>::max()));
    if (api != kMethodApi)
        return makeError(Errc::Unsupported, "the method was made for another version of the plugin interface")
            .at("api")
            .butFound(std::to_string(api))
            .wanted(std::to_string(kMethodApi))
            .tryThis("Build it with the headers of this program");
    MethodInfo out;
    out.file = path;
    SA_TRY(out.id, identifierAt(field, "id", kIdLetters, "a name of lower-case letters, digits and -"));
    SA_TRY(out.name, field.stringAt("name"));
    SA_TRY(out.summary, field.stringAt("summary"));
    SA_TRY(out.citation, field.stringOr("citation", ""));
    SA_TRY(const JsonField result, field.at("result"));
    if (result.raw() != "dense" && result.raw() != "planes")
        return result.wrong("dense or planes");
    out.result = result.raw() == "planes" ? MethodInfo::ResultKind::Planes : MethodInfo::ResultKind::Dense;
    SA_TRY(const std::string threads, field.stringOr("threads", "host"));
    if (threads != "host" && threads != "own")
        return field.wrong("host or own as threads");
    out.ownThreads = threads == "own";
    if (const auto parameters = field.find("parameters")) {
        SA_TRY(const auto elements, parameters->elements(kMaxParameters));
        std::set<std::string> keys;
        for (const auto& element : elements) {
            SA_TRY(ParameterInfo parameter, parseParameter(element));
            if (!keys.insert(parameter.key).second)
                return element.wrong("a key that no other parameter has");
            out.parameters.push_back(std::move(parameter));
        }
    }
    SA_CHECK(parseNeeds(field, out));
    SA_CHECK(parseLibrary(field, path, out));
    return out;
}

Json describe(const ParameterInfo& parameter)
{
    Json out{{"key", parameter.key},   {"name", parameter.name}, {"type", name(parameter.type)},
             {"help", parameter.help}, {"unit", parameter.unit}, {"default", parameter.fallback}};
    if (parameter.type == ParameterInfo::Type::Choice) {
        out["choices"] = parameter.choices;
    } else if (parameter.type != ParameterInfo::Type::Flag) {
        out["min"] = parameter.min;
        out["max"] = parameter.max;
    }
    return out;
}

} // namespace

const char* name(ParameterInfo::Type type) noexcept
{
    return kTypes[static_cast<std::size_t>(type)].first;
}

const ParameterInfo* MethodInfo::find(const std::string& key) const
{
    const auto place =
        std::find_if(parameters.begin(), parameters.end(), [&](const ParameterInfo& p) { return p.key == key; });
    return place == parameters.end() ? nullptr : &*place;
}

bool MethodInfo::needsHessian(const Json& options) const
{
    if (!hessian)
        return false;
    const auto conditions = hessianWhen.items();
    return std::all_of(conditions.begin(), conditions.end(),
                       [&](const auto& entry) { return options.value(entry.key(), Json()) == entry.value(); });
}

Result<MethodInfo> readMethodInfo(const std::string& path)
{
    SA_TRY(const Json json, json::parseFile(path, {kMaxFileBytes, 8}));
    auto parsed = parse(JsonField(json, path), path);
    if (!parsed)
        return std::move(parsed).error().in(path);
    return parsed;
}

Json toJson(const MethodInfo& method)
{
    Json parameters = Json::array();
    for (const auto& parameter : method.parameters)
        parameters.push_back(describe(parameter));
    const Json hessian = method.hessian && !method.hessianWhen.empty() ? method.hessianWhen : Json(method.hessian);
    return {{"id", method.id},
            {"name", method.name},
            {"summary", method.summary},
            {"citation", method.citation},
            {"result", method.result == MethodInfo::ResultKind::Planes ? "planes" : "dense"},
            {"hessian", hessian},
            {"built_in", method.library.empty()},
            {"file", method.file},
            {"parameters", parameters}};
}

} // namespace sa
