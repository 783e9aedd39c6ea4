// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/methods/method_options.h"

#include <algorithm>

namespace sa
{

Result<Json> checkedOption(const ParameterInfo& parameter, const JsonField& value)
{
    switch (parameter.type) {
    case ParameterInfo::Type::Integer: {
        SA_TRY(const auto number,
               value.asInt(static_cast<std::int64_t>(parameter.min), static_cast<std::int64_t>(parameter.max)));
        return Json(number);
    }
    case ParameterInfo::Type::Number: {
        SA_TRY(const double number, value.asDouble(parameter.min, parameter.max));
        return Json(number);
    }
    case ParameterInfo::Type::Flag: {
        SA_TRY(const bool flag, value.asBool());
        return Json(flag);
    }
    case ParameterInfo::Type::Choice:
        break;
    }
    std::string expected;
    for (const auto& choice : parameter.choices) {
        if (value.raw() == choice)
            return Json(choice);
        expected += (expected.empty() ? "" : " or ") + choice;
    }
    return value.wrong(expected);
}

Result<Json> completeOptions(const MethodInfo& method, const Json& given, const Json& job)
{
    const auto asUsage = [](Error error) {
        error.code = Errc::Usage;
        return error;
    };
    const JsonField field(given, {}, "options");
    if (!field.isObject())
        return asUsage(field.wrong("an object"));
    for (const auto& entry : given.items()) {
        if (method.find(entry.key()))
            continue;
        std::string known;
        for (const auto& parameter : method.parameters)
            known += (known.empty() ? "" : ", ") + parameter.key;
        return makeError(Errc::Usage, "the method " + method.id + " has no such parameter")
            .at("options." + display(entry.key(), 60))
            .wanted(known.empty() ? "none" : known)
            .tryThis("See shiftadd methods");
    }
    Json out = Json::object();
    for (const auto& parameter : method.parameters) {
        const Json* source = &parameter.fallback;
        if (given.contains(parameter.key))
            source = &given[parameter.key];
        else if (job.contains(parameter.key) && !job[parameter.key].is_null())
            source = &job[parameter.key];
        auto value = checkedOption(parameter, JsonField(*source, {}, "options." + parameter.key));
        if (!value)
            return asUsage(std::move(value).error());
        out[parameter.key] = *std::move(value);
    }
    return out;
}

} // namespace sa
