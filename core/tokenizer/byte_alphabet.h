// SPDX-License-Identifier: GPL-3.0-or-later
// GPT-2's way to write any byte as a visible character: printable Latin-1 stands for itself, the other 68 bytes are
// U+0100 and following. "Ġ" is a space.
#pragma once

#include <string>
#include <string_view>

namespace sa::tokenizer
{

/// Appends one character (1 or 2 bytes of UTF-8) for every byte of `bytes`.
void appendByteLetters(std::string_view bytes, std::string& out);
/// The byte that a character stands for, or -1.
int byteOfLetter(char32_t c);

} // namespace sa::tokenizer
