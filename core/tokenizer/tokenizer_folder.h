// SPDX-License-Identifier: GPL-3.0-or-later
// Which of a folder's files the tokenizer is read from.
#pragma once

#include "core/tokenizer/pipeline.h"

namespace sa::tokenizer
{

/// The order of Tokenizer::open().
Result<Pipeline> readTokenizerFolder(const std::string& folder);

} // namespace sa::tokenizer
