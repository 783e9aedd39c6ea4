// SPDX-License-Identifier: GPL-3.0-or-later
// 16-bit floating point <-> float, portable and exact, in a form that the compiler vectorises (no branches, no tables).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace sa
{

static_assert(std::endian::native == std::endian::little,
              "the file formats are little-endian and read without swapping");

namespace detail
{
/// `condition ? yes : no` with masks: gcc makes branches of the operator here, and then does not vectorise.
inline std::uint32_t select(bool condition, std::uint32_t yes, std::uint32_t no) noexcept
{
    return no ^ ((no ^ yes) & (0u - static_cast<std::uint32_t>(condition)));
}
} // namespace detail

/// binary16 -> binary32: exact for every pattern; the payload of a NaN is kept. Never computes with a subnormal, so it
/// is right under flush-to-zero, too.
inline float halfToFloat(std::uint16_t half) noexcept
{
    constexpr std::uint32_t exponentMask = 0x7C00u << 13;
    constexpr std::uint32_t subnormalScale = 113u << 23; // 2^-14, the smallest normal half
    const std::uint32_t magnitude = (half & 0x7FFFu) << 13;
    const std::uint32_t exponent = magnitude & exponentMask;
    const std::uint32_t normal = magnitude + ((127u - 15u) << 23);
    const std::uint32_t nonFinite = normal + ((128u - 16u) << 23);
    // 2^-14 * 1.m - 2^-14 = 2^-14 * 0.m: the subtraction normalises the subnormal, exactly.
    const std::uint32_t subnormal =
        std::bit_cast<std::uint32_t>(std::bit_cast<float>(normal + (1u << 23)) - std::bit_cast<float>(subnormalScale));
    const std::uint32_t bits =
        detail::select(exponent == exponentMask, nonFinite, detail::select(exponent == 0, subnormal, normal));
    return std::bit_cast<float>(bits | static_cast<std::uint32_t>(half & 0x8000u) << 16);
}

/// bfloat16 is the upper half of a float.
inline float bfloat16ToFloat(std::uint16_t value) noexcept
{
    return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16);
}

/// binary32 -> binary16, round to nearest, ties to even; from 65520 on infinity; NaN becomes the quiet NaN 0x7E00 with
/// the sign kept. Wants the default rounding mode.
inline std::uint16_t floatToHalf(float value) noexcept
{
    constexpr std::uint32_t smallestNormal = 113u << 23;                             // 2^-14
    constexpr std::uint32_t tooLarge = 143u << 23;                                   // 2^16
    constexpr std::uint32_t roundingMagic = ((127u - 15u) + (23u - 10u) + 1u) << 23; // 0.5: its last bit weighs 2^-24
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
    const std::uint32_t nonFinite = 0x7C00u | static_cast<std::uint32_t>(magnitude > 0x7F800000u) << 9;
    // Adding 0.5 leaves the subnormal's bits, rounded by the float adder, at the end of the mantissa.
    const std::uint32_t subnormal =
        std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + std::bit_cast<float>(roundingMagic)) -
        roundingMagic;
    // 0xFFF plus the bit that stays last: a tie goes up only when that bit is 1. A carry into the exponent is right.
    const std::uint32_t normal = (magnitude - ((127u - 15u) << 23) + 0xFFFu + ((magnitude >> 13) & 1u)) >> 13;
    const std::uint32_t half =
        detail::select(magnitude >= tooLarge, nonFinite, detail::select(magnitude < smallestNormal, subnormal, normal));
    return static_cast<std::uint16_t>(half | ((bits >> 16) & 0x8000u));
}

inline void halfToFloat(const std::uint16_t* in, float* out, std::size_t count) noexcept
{
    for (std::size_t i = 0; i < count; ++i)
        out[i] = halfToFloat(in[i]);
}

inline void bfloat16ToFloat(const std::uint16_t* in, float* out, std::size_t count) noexcept
{
    for (std::size_t i = 0; i < count; ++i)
        out[i] = bfloat16ToFloat(in[i]);
}

/// Returns how many finite values became infinite.
inline std::size_t floatToHalf(const float* in, std::uint16_t* out, std::size_t count) noexcept
{
    std::uint32_t overflowed = 0; // per block, so that the sum stays in the vector's lanes
    std::size_t total = 0;
    constexpr std::size_t blockSize = 4096;
    for (std::size_t begin = 0; begin < count; begin += blockSize) {
        const std::size_t end = count - begin < blockSize ? count : begin + blockSize;
        overflowed = 0;
        for (std::size_t i = begin; i < end; ++i) {
            out[i] = floatToHalf(in[i]);
            const std::uint32_t magnitude = std::bit_cast<std::uint32_t>(in[i]) & 0x7FFFFFFFu;
            overflowed += static_cast<std::uint32_t>((out[i] & 0x7FFFu) == 0x7C00u) &
                          static_cast<std::uint32_t>(magnitude < 0x7F800000u);
        }
        total += overflowed;
    }
    return total;
}

} // namespace sa
