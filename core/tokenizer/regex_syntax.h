// SPDX-License-Identifier: GPL-3.0-or-later
// Patterns in tokenizer.json are written for Oniguruma with its Ruby syntax. This translates them for PCRE2 where the
// two differ: nested classes, \s \w \h \v, anchors, intervals, options. What has no exact twin is refused.
#pragma once

#include "core/base/result.h"

#include <string>
#include <string_view>

namespace sa::tokenizer
{

/// Errors carry no file and place; the caller adds them. `pattern` must be valid UTF-8.
Result<std::string> toPcre2Syntax(std::string_view pattern);

} // namespace sa::tokenizer
