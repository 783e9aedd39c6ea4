// SPDX-License-Identifier: GPL-3.0-or-later
// vocab.json with merges.txt: the two files that GPT-2, OPT and Qwen had before tokenizer.json.
#pragma once

#include "core/tokenizer/pipeline.h"

namespace sa::tokenizer
{

/// Special tokens come from tokenizer_config.json, or from special_tokens_map.json and added_tokens.json. Without any
/// of these a vocabulary with "</s>" is taken for OPT's, which begins every text with it, and one with only
/// "<|endoftext|>" for GPT-2's.
Result<Pipeline> readVocabMerges(const std::string& folder);

} // namespace sa::tokenizer
