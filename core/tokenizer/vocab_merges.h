// SPDX-License-Identifier: GPL-3.0-or-later
// vocab.json with merges.txt: the two files that GPT-2, OPT and Qwen had before tokenizer.json.
#pragma once

#include "core/tokenizer/pipeline.h"

namespace sa::tokenizer
{

/// Special tokens come from tokenizer_config.json, or from special_tokens_map.json and added_tokens.json. Without any
/// of these a vocabulary with "<|endoftext|>" is taken for GPT-2's, and one with "</s>" for OPT's, which begins every
/// text with it.
Result<Pipeline> readVocabMerges(const std::string& folder);

} // namespace sa::tokenizer
