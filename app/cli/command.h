// SPDX-License-Identifier: GPL-3.0-or-later
// One subcommand of the command line that runs a job: options write into the job's spec, under the member's name.
#pragma once

#include "core/protocol/job_spec.h"

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <vector>

namespace sa::cli
{

/// "max_windows" -> "--windows": how the member of a spec is given on the command line.
std::string optionFor(const std::string& member);
/// The help text with the default value behind it.
std::string withDefault(const char* help, const Json& value);

class Command
{
public:
    Command(CLI::App& parent, const char* kind, const char* commandName, const char* summary, const char* examples);
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;

    void path(const char* member, const char* help);
    void optionalPath(const char* member, const char* help);
    CLI::Option* text(const char* member, const char* valueName, const std::string& help);
    void number(const char* member, const char* valueName, const std::string& help);
    void flag(const char* member, const std::string& help);
    /// Anything else stays text, which parseJobSpec refuses.
    void onOff(const char* member, const std::string& help);
    /// A,B,C as an array: of whole numbers where they are, otherwise of texts.
    void list(const char* member, const char* valueName, const std::string& help);
    /// ROLE=TEXT, repeated: turns of a conversation.
    void messages(const std::string& help);
    void repeatable(const char* member, const char* valueName, const std::string& help);
    /// KEY=VALUE, repeated: members of the object `member`.
    void settings(const char* member, const char* option, const std::string& help);
    /// A file with members of the spec; the command line goes before it.
    void recipe(const std::string& help);
    void threadsAndDevice();
    void cpuPrecision();

    bool chosen() const { return m_app->parsed(); }
    bool json() const { return m_json; }
    /// Usage names the option's member.
    Result<JobSpec> spec() const;

private:
    void readSettings(const char* member, const std::vector<std::string>& values);
    std::function<void(const std::string&)> setText(const char* member);
    CLI::Option* add(const char* member, const std::function<void(const std::string&)>& set, const char* valueName,
                     const std::string& help);
    void addRepeated(const std::string& option, const std::function<void(const std::vector<std::string>&)>& set,
                     const char* valueName, const std::string& help);

    const char* m_kind;
    CLI::App* m_app;
    Json m_spec = Json::object();
    std::string m_recipe, m_badSetting;
    bool m_json = false;
};

} // namespace sa::cli
