// SPDX-License-Identifier: GPL-3.0-or-later
// The tokenizer that Meta publishes beside LLaMA-3's weights (original/tokenizer.model): lines of "base64 rank", the
// format of tiktoken. The file names no split pattern and no special tokens; those of LLaMA-3 are known here.
#pragma once

#include "core/tokenizer/pipeline.h"

namespace sa::tokenizer
{

bool looksLikeTiktoken(std::string_view bytes);

/// Special tokens are those of LLaMA-3, unless tokenizer_config.json of `folder` lists them. Unsupported for a
/// vocabulary that is not LLaMA-3's.
Result<Pipeline> readTiktoken(std::string_view bytes, const std::string& folder, const std::string& file);

} // namespace sa::tokenizer
