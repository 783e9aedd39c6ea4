// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/command.h"

#include "core/protocol/recipe.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

namespace sa::cli
{

namespace
{

struct OptionName {
    const char* member;
    const char* option;
};
/// Members whose option is not "--" and the member with dashes.
constexpr OptionName kOptionNames[] = {{"model", "MODEL"},   {"options", "--set"}, {"messages", "--message"},
                                       {"out", "OUT"},       {"reference", "DIR"}, {"max_windows", "--windows"},
                                       {"save_to", "--out"}, {"shapes", "--shape"}};

/// A whole number or a decimal fraction as such; anything else stays text, which parseJobSpec refuses with the range.
Json numberOrText(const std::string& text)
{
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    std::int64_t integer = 0;
    if (const auto [rest, code] = std::from_chars(begin, end, integer); code == std::errc() && rest == end)
        return integer;
    double real = 0;
    if (const auto [rest, code] = std::from_chars(begin, end, real);
        code == std::errc() && rest == end && std::isfinite(real))
        return real;
    return text;
}

/// true, false, a number, a text in quotes, or a text as it is.
Json settingValue(const std::string& text)
{
    if (text == "true" || text == "false")
        return text == "true";
    if (text.size() >= 2 && text.front() == '"')
        if (auto quoted = json::parse(text, "--set"); quoted && quoted->is_string())
            return *std::move(quoted);
    return numberOrText(text);
}

} // namespace

std::string optionFor(const std::string& member)
{
    for (const OptionName& known : kOptionNames)
        if (member == known.member)
            return known.option;
    std::string option = "--" + member;
    std::replace(option.begin() + 2, option.end(), '_', '-');
    return option;
}

std::string withDefault(const char* help, const Json& value)
{
    return std::string(help) + " [" + (value.is_string() ? value.get<std::string>() : json::dump(value)) + "]";
}

Command::Command(CLI::App& parent, const char* kind, const char* commandName, const char* summary, const char* examples)
    : m_kind(kind)
    , m_app(parent.add_subcommand(commandName, summary))
{
    m_app->footer(std::string("Examples:\n") + examples);
    m_app->add_flag("--json", m_json, "Print one JSON object a line: events, then the result or the error");
}

void Command::path(const char* member, const char* help)
{
    add(member, setText(member), "", help)->required();
}

void Command::optionalPath(const char* member, const char* help)
{
    add(member, setText(member), "", help);
}

CLI::Option* Command::text(const char* member, const char* valueName, const std::string& help)
{
    return add(member, setText(member), valueName, help);
}

void Command::number(const char* member, const char* valueName, const std::string& help)
{
    const auto set = [this, member](const std::string& value) { m_spec[member] = numberOrText(value); };
    add(member, set, valueName, help);
}

void Command::flag(const char* member, const std::string& help)
{
    const auto set = [this, member](std::int64_t) { m_spec[member] = true; };
    m_app->add_flag_function(optionFor(member), set, help);
}

void Command::onOff(const char* member, const std::string& help)
{
    const auto set = [this, member](const std::string& value) {
        m_spec[member] = value == "on" ? Json(true) : value == "off" ? Json(false) : Json(value);
    };
    add(member, set, "on|off", help);
}

void Command::list(const char* member, const char* valueName, const std::string& help)
{
    const auto set = [this, member](const std::string& value) {
        Json& array = m_spec[member] = Json::array();
        std::istringstream in(value);
        for (std::string part; std::getline(in, part, ',');)
            array.push_back(numberOrText(part));
    };
    add(member, set, valueName, help);
}

void Command::messages(const std::string& help)
{
    const auto set = [this](const std::vector<std::string>& values) {
        Json& array = m_spec["messages"] = Json::array();
        for (const std::string& value : values) {
            const std::size_t equals = value.find('=');
            if (equals == 0 || equals == std::string::npos)
                array.push_back(value); // parseJobSpec says what is expected
            else
                array.push_back({{"role", value.substr(0, equals)}, {"content", value.substr(equals + 1)}});
        }
    };
    addRepeated(optionFor("messages"), set, "ROLE=TEXT", help);
}

void Command::repeatable(const char* member, const char* valueName, const std::string& help)
{
    const auto set = [this, member](const std::vector<std::string>& values) { m_spec[member] = values; };
    addRepeated(optionFor(member), set, valueName, help);
}

void Command::settings(const char* member, const char* option, const std::string& help)
{
    const auto set = [this, member](const std::vector<std::string>& values) { readSettings(member, values); };
    addRepeated(option, set, "KEY=VALUE", help);
}

void Command::recipe(const std::string& help)
{
    m_app->add_option("--recipe", m_recipe, help)->type_name("FILE");
}

void Command::threadsAndDevice()
{
    number("threads", "N", "Threads; 0 takes all cores [0]");
    text("device", "DEVICE", "cpu, or cuda:0, cuda:1, ... [cpu]");
}

void Command::cpuPrecision()
{
    text("cpu_precision", "exact|fast",
         "Packed products on the CPU. fast: 14 bits, less time a token and an error of about 3e-4 [exact]");
}

Result<JobSpec> Command::spec() const
{
    if (!m_badSetting.empty())
        return makeError(Errc::Usage, "a setting has the form KEY=VALUE")
            .at("--set")
            .butFound(display(m_badSetting, 60))
            .tryThis("See shiftadd methods");
    if (m_recipe.empty())
        return parseJobSpec(m_kind, m_spec);
    SA_TRY(Json whole, readRecipe(m_recipe));
    whole.merge_patch(m_spec); // options of a method one by one
    return parseJobSpec(m_kind, whole);
}

void Command::readSettings(const char* member, const std::vector<std::string>& values)
{
    Json& object = m_spec[member] = Json::object();
    for (const auto& setting : values) {
        const auto equals = setting.find('=');
        if (equals == 0 || equals == std::string::npos)
            m_badSetting = setting;
        else
            object[setting.substr(0, equals)] = settingValue(setting.substr(equals + 1));
    }
}

std::function<void(const std::string&)> Command::setText(const char* member)
{
    return [this, member](const std::string& value) { m_spec[member] = value; };
}

CLI::Option* Command::add(const char* member, const std::function<void(const std::string&)>& set, const char* valueName,
                          const std::string& help)
{
    return m_app->add_option_function<std::string>(optionFor(member), set, help)->type_name(valueName);
}

void Command::addRepeated(const std::string& option, const std::function<void(const std::vector<std::string>&)>& set,
                          const char* valueName, const std::string& help)
{
    m_app->add_option_function<std::vector<std::string>>(option, set, help)
        ->allow_extra_args(false)
        ->type_name(valueName);
}

} // namespace sa::cli
