// SPDX-License-Identifier: GPL-3.0-or-later
// The files beside the weights that make a folder a model: tokenizer, chat template, generation settings. Copied byte
// for byte, and nothing else of the source is.
#pragma once

#include "core/base/result.h"

#include <map>
#include <string>

namespace sa
{

/// Named as the tokenizers of llama2.c are (tok512.bin, tokenizer.bin): no weights, although ".bin" looks like it.
bool isTokenizerBin(const std::string& fileName);

/// Copies what is there of: tokenizer.json, tokenizer.model, tokenizer_config.json, special_tokens_map.json,
/// added_tokens.json, vocab.json, merges.txt, tok*.bin, generation_config.json, chat_template.*, and *.jinja in
/// chat_templates and additional_chat_templates. Returns the SHA-256 of each file by its path inside the folder. A link
/// is followed into a hub cache or to a file of the same name; any other way out of the folder is BadInput, since the
/// copy may be published and the source may come from anyone.
Result<std::map<std::string, std::string>> copyCompanionFiles(const std::string& from, const std::string& to);

} // namespace sa
