// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/finite_scan.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace sa
{

namespace
{

/// IEEE layouts: a value is not finite when all exponent bits are set, and NaN when a mantissa bit is, too.
template<class Word> std::optional<NonFinite> scan(std::span<const std::byte> bytes, Word exponent, Word mantissa)
{
    constexpr std::size_t blockElements =
        4096 / sizeof(Word); // a loop without exits vectorises; the search follows a hit
    std::array<Word, blockElements> block;
    const std::size_t count = bytes.size() / sizeof(Word);
    for (std::size_t begin = 0; begin < count; begin += blockElements) {
        const std::size_t size = std::min(blockElements, count - begin);
        std::memcpy(block.data(), bytes.data() + begin * sizeof(Word), size * sizeof(Word)); // any alignment
        Word hit = 0;
        for (std::size_t i = 0; i < size; ++i)
            hit = static_cast<Word>(hit | static_cast<Word>((block[i] & exponent) == exponent));
        if (hit == 0)
            continue;
        const auto bad = std::find_if(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(size),
                                      [&](Word word) { return (word & exponent) == exponent; });
        const bool negative = (*bad >> (8 * sizeof(Word) - 1)) != 0;
        return NonFinite{begin + static_cast<std::size_t>(bad - block.begin()),
                         (*bad & mantissa) != 0 ? "NaN" : (negative ? "-Inf" : "+Inf")};
    }
    return std::nullopt;
}

} // namespace

std::optional<NonFinite> findNonFinite(Dtype dtype, std::span<const std::byte> bytes)
{
    switch (dtype) {
    case Dtype::F64:
        return scan<std::uint64_t>(bytes, 0x7FF0000000000000u, 0x000FFFFFFFFFFFFFu);
    case Dtype::F32:
        return scan<std::uint32_t>(bytes, 0x7F800000u, 0x007FFFFFu);
    case Dtype::F16:
        return scan<std::uint16_t>(bytes, 0x7C00u, 0x03FFu);
    case Dtype::BF16:
        return scan<std::uint16_t>(bytes, 0x7F80u, 0x007Fu);
    default:
        return std::nullopt;
    }
}

} // namespace sa
