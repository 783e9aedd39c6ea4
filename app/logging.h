// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace sa
{

/// Log lines go to stderr as "[level] message"; SHIFTADD_LOG (trace, debug, info, warning, error, critical, off) sets
/// the level. spdlog's own default would print to stdout.
void setUpLogging(const char* defaultLevel);

} // namespace sa
