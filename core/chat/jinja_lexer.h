// SPDX-License-Identifier: GPL-3.0-or-later
// A template cut into tokens. White space around blocks as transformers sets it: trim_blocks and lstrip_blocks.
#pragma once

#include "core/base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace sa::jinja
{

struct Token {
    enum class Kind {
        Data,
        BlockBegin,
        BlockEnd,
        VariableBegin,
        VariableEnd,
        Name,
        Text,
        Integer,
        Real,
        Operator,
        End
    };
    Kind kind = Kind::End;
    std::string text; ///< of a Text without quotes and escapes
    int line = 0;
};

/// `source` is valid UTF-8. The last token is End. Errors carry the line in `where`.
Result<std::vector<Token>> tokenize(std::string_view source);

} // namespace sa::jinja
