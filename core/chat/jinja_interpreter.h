// SPDX-License-Identifier: GPL-3.0-or-later
// Runs a template. Undefined names and missing entries behave as in jinja2: they print as nothing, are false and empty,
// and fail when something is asked of them.
#pragma once

#include "core/chat/jinja_ast.h"

#include <ctime>
#include <string>

namespace sa::jinja
{

/// `variables` are what the template can name; strftime_now() tells `now` in the local time zone. Errors carry the line
/// in `where`. Ends soon whatever the template is: steps, depth, memory and output are limited.
Result<std::string> render(const Block& block, const Dict& variables, std::time_t now);

} // namespace sa::jinja
