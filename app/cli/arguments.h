// SPDX-License-Identifier: GPL-3.0-or-later
// The command line as a JobSpec, or as what needs no job. Types and ranges are checked by parseJobSpec alone, as for
// the worker; here its complaints are given the names of options.
#pragma once

#include "app/cli/allocate_command.h"
#include "app/cli/tokenizer_command.h"
#include "core/protocol/job_spec.h"

#include <string>
#include <variant>
#include <vector>

namespace sa::cli
{

struct Invocation {
    JobSpec spec;
    bool json = false;
};
/// --help and --version: text for stdout, nothing to do.
struct Printout {
    std::string text;
};
using Arguments = std::variant<Invocation, Printout, TokenizerCommand, AllocateCommand>;

/// `arguments` without the program's name. Usage errors name the option ("--bits").
Result<Arguments> parseArguments(const std::vector<std::string>& arguments);
/// True when the caller wants JSON lines, even where the rest of the command line is not understood.
bool wantsJson(const std::vector<std::string>& arguments);
/// A Usage error about "spec.max_windows" (from parseJobSpec) or "max_windows" (from a job) becomes one about
/// "--windows"; others are left alone.
Error inOptionNames(Error error);

} // namespace sa::cli
