// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/byte_alphabet.h"

#include "core/tokenizer/unicode.h"

#include <array>

namespace sa::tokenizer
{

namespace
{

struct Alphabet {
    std::array<std::string, 256> letters;
    std::array<int, 0x144> bytes; ///< by code point; 256 letters end at U+0143
};

Alphabet makeAlphabet()
{
    Alphabet out;
    out.bytes.fill(-1);
    char32_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
        const bool visible =
            (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
        const char32_t letter = visible ? static_cast<char32_t>(byte) : next++;
        appendUtf8(out.letters[static_cast<std::size_t>(byte)], letter);
        out.bytes[letter] = byte;
    }
    return out;
}

const Alphabet& alphabet()
{
    static const Alphabet value = makeAlphabet();
    return value;
}

} // namespace

void appendByteLetters(std::string_view bytes, std::string& out)
{
    const auto& letters = alphabet().letters;
    for (const char c : bytes)
        out += letters[static_cast<unsigned char>(c)];
}

int byteOfLetter(char32_t c)
{
    const auto& bytes = alphabet().bytes;
    return c < bytes.size() ? bytes[c] : -1;
}

} // namespace sa::tokenizer
