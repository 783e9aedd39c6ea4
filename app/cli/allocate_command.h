// SPDX-License-Identifier: GPL-3.0-or-later
// `shiftadd allocate`: a plan from a sensitivity file. It needs no model, no worker and no job.
#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sa::cli
{

/// As written on the command line.
struct AllocateCommand {
    std::string sensitivity;           ///< file that `shiftadd analyze` wrote
    std::optional<std::string> bits;   ///< stored bits per weight
    std::optional<std::string> bytes;  ///< of all tensors, with a unit or without
    std::vector<std::string> pins;     ///< "NAME=3"
    std::vector<std::string> ranges;   ///< "NAME=2..3"
    std::vector<std::string> excludes; ///< "NAME"
    std::vector<std::string> links;    ///< "q,k,v", or "shared"
    std::string rule = "optimal";
    std::optional<std::string> objective; ///< default: the best that is known
    std::optional<std::string> out;       ///< plan file to write
    bool json = false;
};

/// What goes to standard output: a table, or one line {"result": {...}}. Writes the plan if asked to. Errors of usage
/// name the option.
Result<std::string> runAllocateCommand(const AllocateCommand& command);

/// "123", "4.5 GB", "4.5GiB", "700MB": bytes, rounded down. Nothing for what is none of these.
std::optional<std::uint64_t> parseByteCount(const std::string& text);

} // namespace sa::cli
