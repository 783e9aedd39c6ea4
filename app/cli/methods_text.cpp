// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/methods_text.h"

#include "app/cli/format.h"

namespace sa::cli
{

namespace
{

/// Members of a result may come from a file of anyone.
std::string shown(const Json& object, const char* key)
{
    const Json value = object.value(key, Json());
    if (value.is_string())
        return display(value.get<std::string>(), 1000);
    return value.is_null() ? "-" : display(json::dump(value), 1000);
}

std::string range(const Json& parameter)
{
    if (parameter.value("type", "") == "flag")
        return "true or false";
    if (parameter.contains("choices")) {
        std::string out;
        for (const Json& choice : parameter["choices"])
            out += (out.empty() ? "" : ", ") + (choice.is_string() ? display(choice.get<std::string>(), 60) : "-");
        return out;
    }
    return formatNumber(parameter.value("min", 0.0), 16) + " to " + formatNumber(parameter.value("max", 0.0), 16);
}

} // namespace

std::string methodsText(const Json& result)
{
    const Json methods = result.value("methods", Json::array());
    Table overview;
    for (const char* title : {"Method", "Name", "Result", "Calibration", "Usable"})
        overview.column(title, Table::Align::Left);
    Table details;
    for (const char* title : {"Method", "Parameter", "Values", "Default", "What it does"})
        details.column(title, Table::Align::Left);
    for (const Json& method : methods) {
        const Json hessian = method.value("hessian", Json(false));
        const char* calibration = hessian.is_boolean() ? (hessian.get<bool>() ? "yes" : "no") : "by option";
        overview.row({shown(method, "id"), shown(method, "name"), shown(method, "result"), calibration,
                      method.value("usable", false) ? "yes" : "no"});
        for (const Json& parameter : method.value("parameters", Json::array()))
            details.row({shown(method, "id"), shown(parameter, "key"), range(parameter), shown(parameter, "default"),
                         shown(parameter, "help")});
    }
    std::string out = overview.text() + "\nSet a parameter with --set KEY=VALUE.\n\n" + details.text();
    for (const Json& warning : result.value("warnings", Json::array()))
        out += "\nWarning: " + (warning.is_string() ? display(warning.get<std::string>(), 1000) : "-") + "\n";
    return out;
}

} // namespace sa::cli
