// SPDX-License-Identifier: GPL-3.0-or-later
// The result of `shiftadd methods` for a terminal.
#pragma once

#include "core/base/json.h"

namespace sa::cli
{

/// A table of methods, then the parameters of each.
std::string methodsText(const Json& result);

} // namespace sa::cli
