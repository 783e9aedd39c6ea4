// SPDX-License-Identifier: GPL-3.0-or-later
// The tokenizer of llama2.c (tokenizer.bin, tok512.bin), little-endian:
//
//   i32 length of the longest token | for every token: f32 score, i32 length, bytes
//
// It says neither how many tokens there are (they end with the file) nor which are special: by convention 0 is
// "<unk>", 1 "<s>", 2 "</s>" and the next 256 are the bytes. Spaces are written as they are.
#pragma once

#include "core/tokenizer/pipeline.h"

namespace sa::tokenizer
{

/// A look at the first tokens only; false for anything that cannot be opened.
bool looksLikeLlama2c(const std::string& file);

/// Texts get a space in front, and "<s>" as their first id. Special tokens are never found in a text, as in llama2.c.
Result<Pipeline> readLlama2c(const std::string& file);

} // namespace sa::tokenizer
