// SPDX-License-Identifier: GPL-3.0-or-later
// The options of `shiftadd allocate`.
#pragma once

#include "app/cli/allocate_command.h"

namespace CLI
{
class App;
}

namespace sa::cli
{

/// Adds the subcommand to a parser, which must outlive it.
class AllocateOptions
{
public:
    explicit AllocateOptions(CLI::App& parent);
    AllocateOptions(const AllocateOptions&) = delete;
    AllocateOptions& operator=(const AllocateOptions&) = delete;

    bool chosen() const;
    const AllocateCommand& command() const { return m_command; }

private:
    void list(const char* option, std::vector<std::string>& values, const char* valueName, const char* help);

    CLI::App* m_app;
    AllocateCommand m_command;
};

} // namespace sa::cli
