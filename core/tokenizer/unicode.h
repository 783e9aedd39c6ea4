// SPDX-License-Identifier: GPL-3.0-or-later
// UTF-8 and the few character classes that tokenizers ask for. Text inside the tokenizer is always valid UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sa::tokenizer
{

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

/// Length of the well-formed sequence at the start of `text`; 0 when there is none.
std::size_t utf8SequenceLength(std::string_view text);
/// Length of the longest prefix of `text` that begins a well-formed sequence without completing it; 0 when none.
std::size_t utf8IncompleteLength(std::string_view text);

/// `text` itself when it is valid, else a repaired copy in `storage`: every maximal ill-formed part becomes U+FFFD.
std::string_view toValidUtf8(std::string_view text, std::string& storage);

/// The code point at `at` in valid UTF-8; advances `at`.
inline char32_t nextCodePoint(std::string_view text, std::size_t& at)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const char32_t c = byte(at);
    if (c < 0x80) {
        at += 1;
        return c;
    }
    if (c < 0xE0) {
        at += 2;
        return (c & 0x1F) << 6 | (byte(at - 1) & 0x3Fu);
    }
    if (c < 0xF0) {
        at += 3;
        return (c & 0x0F) << 12 | (byte(at - 2) & 0x3Fu) << 6 | (byte(at - 1) & 0x3Fu);
    }
    at += 4;
    return (c & 0x07) << 18 | (byte(at - 3) & 0x3Fu) << 12 | (byte(at - 2) & 0x3Fu) << 6 | (byte(at - 1) & 0x3Fu);
}

void appendUtf8(std::string& out, char32_t codePoint);
/// Start of the last character of non-empty valid UTF-8.
std::size_t lastCharacterStart(std::string_view text);
inline constexpr char32_t kNoCharacter = 0xFFFFFFFF;
/// The only character of `text`, or kNoCharacter when it has none or several.
char32_t singleCodePoint(std::string_view text);

bool isWhitespace(char32_t c);    ///< Unicode White_Space
bool isWordCharacter(char32_t c); ///< UTS 18: Alphabetic, marks, decimal numbers, connectors, joiners
bool isNumeric(char32_t c);       ///< general category N
bool isPunctuation(char32_t c);   ///< general category P, or ASCII punctuation (which includes symbols like '$')
bool isMark(char32_t c);          ///< general category M

} // namespace sa::tokenizer
