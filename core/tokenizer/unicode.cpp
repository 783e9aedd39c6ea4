// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/unicode.h"

#include <cstring>
#include <utf8proc.h>

namespace sa::tokenizer
{

namespace
{

/// How many bytes the sequence at `text` should have, and how many of them are right (at least 1).
struct Sequence {
    std::size_t wanted = 0; ///< 0: the first byte cannot start a sequence
    std::size_t good = 1;
};

Sequence examine(std::string_view text)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char c = byte(0);
    if (c < 0x80)
        return {1, 1};
    if (c < 0xC2 || c > 0xF4)
        return {0, 1};
    const std::size_t wanted = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    // The second byte is what excludes overlong forms, surrogates and values past U+10FFFF.
    const unsigned char low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    std::size_t good = 1;
    while (good < wanted && good < text.size()) {
        const unsigned char next = byte(good);
        if (good == 1 ? (next < low || next > high) : (next & 0xC0) != 0x80)
            break;
        ++good;
    }
    return {wanted, good};
}

/// Bytes from `at` on that are ASCII, eight at a time.
std::size_t skipAscii(std::string_view text, std::size_t at)
{
    constexpr std::uint64_t kHighBits = 0x8080808080808080u;
    while (at + 8 <= text.size()) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + at, 8);
        if (word & kHighBits)
            break;
        at += 8;
    }
    while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80)
        ++at;
    return at;
}

utf8proc_category_t category(char32_t c)
{
    return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

} // namespace

std::size_t utf8SequenceLength(std::string_view text)
{
    if (text.empty())
        return 0;
    const Sequence sequence = examine(text);
    return sequence.good == sequence.wanted ? sequence.wanted : 0;
}

std::size_t utf8IncompleteLength(std::string_view text)
{
    if (text.empty())
        return 0;
    const Sequence sequence = examine(text);
    return sequence.good < sequence.wanted && sequence.good == text.size() ? sequence.good : 0;
}

std::string_view toValidUtf8(std::string_view text, std::string& storage)
{
    std::size_t at = 0;
    std::size_t copied = 0;
    bool repaired = false;
    while ((at = skipAscii(text, at)) < text.size()) {
        const Sequence sequence = examine(text.substr(at));
        if (sequence.good == sequence.wanted) {
            at += sequence.wanted;
            continue;
        }
        if (!repaired) {
            storage.clear();
            repaired = true;
        }
        storage.append(text, copied, at - copied);
        storage.append(kReplacementCharacter);
        at += sequence.good;
        copied = at;
    }
    if (!repaired)
        return text;
    storage.append(text, copied, text.size() - copied);
    return storage;
}

void appendUtf8(std::string& out, char32_t c)
{
    const auto put = [&](char32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xC0 | c >> 6);
        put(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        put(0xE0 | c >> 12);
        put(0x80 | (c >> 6 & 0x3F));
        put(0x80 | (c & 0x3F));
    } else {
        put(0xF0 | c >> 18);
        put(0x80 | (c >> 12 & 0x3F));
        put(0x80 | (c >> 6 & 0x3F));
        put(0x80 | (c & 0x3F));
    }
}

std::size_t lastCharacterStart(std::string_view text)
{
    std::size_t at = text.size() - 1;
    while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80)
        --at;
    return at;
}

char32_t singleCodePoint(std::string_view text)
{
    if (text.empty() || utf8SequenceLength(text) != text.size())
        return kNoCharacter;
    std::size_t at = 0;
    return nextCodePoint(text, at);
}

bool isWhitespace(char32_t c)
{
    return c == ' ' || (c >= 0x9 && c <= 0xD) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool isWordCharacter(char32_t c)
{
    switch (category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
        return true;
    // The symbols of Other_Alphabetic: circled, squared and negative letters.
    case UTF8PROC_CATEGORY_SO:
        return (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) ||
               (c >= 0x1F170 && c <= 0x1F189);
    default:
        return c == 0x200C || c == 0x200D;
    }
}

bool isNumeric(char32_t c)
{
    const auto kind = category(c);
    return kind == UTF8PROC_CATEGORY_ND || kind == UTF8PROC_CATEGORY_NL || kind == UTF8PROC_CATEGORY_NO;
}

bool isPunctuation(char32_t c)
{
    if (c < 0x80)
        return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
    const auto kind = category(c);
    return kind >= UTF8PROC_CATEGORY_PC && kind <= UTF8PROC_CATEGORY_PO;
}

bool isMark(char32_t c)
{
    const auto kind = category(c);
    return kind >= UTF8PROC_CATEGORY_MN && kind <= UTF8PROC_CATEGORY_ME;
}

} // namespace sa::tokenizer
