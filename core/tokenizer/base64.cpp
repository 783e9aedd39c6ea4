// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/base64.h"

namespace sa::tokenizer
{

namespace
{

int sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

} // namespace

std::optional<std::string> decodeBase64(std::string_view text)
{
    if (text.size() % 4 != 0)
        return std::nullopt;
    std::string out;
    out.reserve(text.size() / 4 * 3);
    for (std::size_t at = 0; at < text.size(); at += 4) {
        std::string_view group = text.substr(at, 4);
        std::size_t letters = 4;
        if (at + 4 == text.size())
            while (letters > 2 && group[letters - 1] == '=')
                --letters;
        unsigned bits = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            const int value = i < letters ? sextet(group[i]) : 0;
            if (value < 0)
                return std::nullopt;
            bits = bits << 6 | static_cast<unsigned>(value);
        }
        for (std::size_t i = 0; i + 1 < letters; ++i)
            out += static_cast<char>(static_cast<unsigned char>(bits >> (16 - 8 * i)));
    }
    return out;
}

} // namespace sa::tokenizer
