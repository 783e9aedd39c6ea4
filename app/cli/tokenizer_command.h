// SPDX-License-Identifier: GPL-3.0-or-later
// `shiftadd tokenize` and `shiftadd detokenize`: they need a folder's tokenizer only, and neither weights nor a job.
#pragma once

#include "core/base/result.h"

#include <optional>
#include <string>
#include <vector>

namespace sa::cli
{

struct TokenizerCommand {
    enum class Kind { Tokenize, Detokenize };
    Kind kind = Kind::Tokenize;
    std::string model; ///< folder with tokenizer files
    std::optional<std::string> text;
    std::optional<std::string> file;
    std::vector<std::string> ids; ///< as written: numbers, maybe with commas
    bool noSpecial = false;       ///< tokenize: add no special tokens; detokenize: leave them out
    bool json = false;
};

/// What goes to standard output. JSON: {"ids": [...], "tokens": [...]} or {"text": "..."}, one line.
Result<std::string> runTokenizerCommand(const TokenizerCommand& command);

} // namespace sa::cli
