// SPDX-License-Identifier: GPL-3.0-or-later
// tokenizer.model of the LLaMA, Mistral and Gemma families, as the reference's tokenizers without tokenizer.json treat
// it (LlamaTokenizer, GemmaTokenizer).
#pragma once

#include "core/tokenizer/pipeline.h"

namespace sa::tokenizer
{

/// `bytes` of `file`; the settings beside it are in `folder`. Unsupported for tokenizer classes that change ids, and
/// for models that are not BPE or that normalise texts.
Result<Pipeline> readSentencePiece(std::string_view bytes, const std::string& folder, const std::string& file);

} // namespace sa::tokenizer
