// SPDX-License-Identifier: GPL-3.0-or-later
// Tokens to a tree. What is not understood is refused here, before anything is rendered.
#pragma once

#include "core/chat/jinja_ast.h"

#include <string_view>

namespace sa::jinja
{

/// `source` is valid UTF-8. Errors carry the line in `where`, and no file.
Result<Block> parse(std::string_view source);

} // namespace sa::jinja
