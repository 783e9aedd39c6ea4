// SPDX-License-Identifier: GPL-3.0-or-later
// tokenizer.model of the LLaMA, Mistral and Gemma families, as the reference's tokenizers without tokenizer.json treat
// it (LlamaTokenizer, GemmaTokenizer). docs/decisions/0005 says what the SentencePiece library does and what we do.
#pragma once

#include "core/tokenizer/pipeline.h"

namespace sa::tokenizer
{

/// `bytes` of `file`; the settings beside it are in `folder`. Unsupported for tokenizer classes that change ids.
Result<Pipeline> readSentencePiece(std::string bytes, const std::string& folder, const std::string& file);

} // namespace sa::tokenizer
