// SPDX-License-Identifier: GPL-3.0-or-later
// The product as AND and population count. Activations, shifted by the scales of a plane and row group, become 24-bit
// fixed-point numbers of one exponent per row group, and those are split into bit-planes of their own:
//
//     v_j = alpha[b,k,g] x_k,  j = (b, k) < q K      Q_j = rint(v_j 2^(23-e)),  |v_j| < 2^e      S = sum Q_j
//     y_n = (2 sum_{j: bit=1} Q_j - S) 2^(e-23) + c_n,   rounded once
//
// Per weight there is an AND, a count and an addition; sums are integers, so that no order of summation changes a bit.
// |error_n| <= 2^(e-24) times the number of non-zero v_j. A non-finite x makes all of the token's outputs NaN.
#pragma once

#include "sa/kernels/host_device.h"
#include "sa/kernels/sign_planes.h"

#include <cstring>

namespace sa::kernels
{

namespace onebit
{

inline constexpr int kPlanes = 24;                    ///< bits of Q_j, two's complement
inline constexpr int kFraction = kPlanes - 1;         ///< |Q_j| < 2^kFraction
inline constexpr int kNoExponent = -10000;            ///< e of an all-zero operand
inline constexpr int kNotFinite = 10000;              ///< e where x holds an infinity or NaN
inline constexpr std::uint32_t kMagnitude = ~0U >> 1; ///< the bits of |x|

SA_HOST_DEVICE inline int bitLength32(std::uint32_t value)
{
#ifdef __CUDA_ARCH__
    return 32 - __clz(static_cast<int>(value));
#else
    return value == 0 ? 0 : 32 - __builtin_clz(value);
#endif
}

/// |alpha x| = result * 2^exponent, exactly; result < 2^55. magnitude: bits of a finite |x|.
SA_HOST_DEVICE inline std::uint64_t shiftedMantissa(std::uint32_t magnitude, PackedScale scale, int& exponent)
{
    const int biased = static_cast<int>(magnitude >> 23);
    const std::uint32_t fraction = magnitude & 0x7FFFFFU;
    const std::uint64_t mantissa = static_cast<std::uint64_t>(biased == 0 ? fraction : fraction | 0x800000U) << 30;
    exponent = (biased == 0 ? 1 : biased) - 150 + (scale >> 10) - kScaleExponentBias - 30;
    const unsigned g2 = (scale >> 5) & 0xFU, g3 = scale & 0xFU;
    const std::uint64_t second = g2 != 0 ? mantissa >> g2 : 0;
    const std::uint64_t third = g2 != 0 && g3 != 0 ? mantissa >> (g2 + g3) : 0;
    std::uint64_t sum = (scale & (1U << 9)) != 0 ? mantissa - second : mantissa + second;
    sum = (scale & (1U << 4)) != 0 ? sum - third : sum + third;
    return scale >> 10 == 0 ? 0 : sum;
}

/// An e with |alpha x| < 2^e, the smallest but for values within 2^-27 below a power of two; kNoExponent for 0. In 32
/// bits, each term rounded so that the sum is never too small.
SA_HOST_DEVICE inline int exponentAbove(std::uint32_t magnitude, PackedScale scale)
{
    const int biased = static_cast<int>(magnitude >> 23);
    const std::uint32_t fraction = magnitude & 0x7FFFFFU;
    const std::uint32_t mantissa = (biased == 0 ? fraction : fraction | 0x800000U) << 6;
    const unsigned g2 = (scale >> 5) & 0xFU, g3 = scale & 0xFU;
    const std::uint32_t second = g2 != 0 ? mantissa >> g2 : 0;
    const std::uint32_t third = g2 != 0 && g3 != 0 ? mantissa >> (g2 + g3) : 0;
    std::uint32_t sum = (scale & (1U << 9)) != 0 ? mantissa - second : mantissa + second + 1;
    sum = (scale & (1U << 4)) != 0 ? sum - third : sum + third + 1;
    const int e = (biased == 0 ? 1 : biased) - 156 + (scale >> 10) - kScaleExponentBias + bitLength32(sum);
    return mantissa == 0 || scale >> 10 == 0 ? kNoExponent : e;
}

/// Q = rint(alpha x 2^(23-e)), halves away from zero, at most 2^23 - 1 in magnitude. e >= exponentAbove(x, scale).
SA_HOST_DEVICE inline std::int32_t fixedPoint(std::uint32_t bits, PackedScale scale, int e)
{
    int exponent = 0;
    const std::uint64_t mantissa = shiftedMantissa(bits & kMagnitude, scale, exponent);
    const int right = e - kFraction - exponent; // >= 5 unless the mantissa is 0: it has 29 bits at least
    const int shift = right < 5 ? 5 : right > 62 ? 62 : right;
    const std::uint64_t half = mantissa >> (shift - 1);
    const std::uint64_t rounded = (half + 1) >> 1;
    constexpr std::uint64_t kMost = (std::uint64_t(1) << kFraction) - 1;
    const auto magnitude = static_cast<std::int32_t>(rounded < kMost ? rounded : kMost);
    return (bits >> 31) != 0 ? -magnitude : magnitude;
}

/// sum 2^(e-23) + bias in float. |sum| < 2^53.
SA_HOST_DEVICE inline float scaledResult(std::int64_t sum, int e, float bias)
{
    const std::uint64_t powerBits = static_cast<std::uint64_t>(e - kFraction + 1023) << 52; // e in -260..180: normal
    double power = 0.0;
#ifdef __CUDA_ARCH__
    power = __longlong_as_double(static_cast<long long>(powerBits));
#else
    std::memcpy(&power, &powerBits, sizeof power);
#endif
    return static_cast<float>(static_cast<double>(sum) * power + static_cast<double>(bias)); // the product is exact
}

/// The layout: tiles of 16 rows by chunks of 256 virtual columns, 128 words each, as the tensor core's m16n8k256
/// operand lies in registers. Virtual words of 32 columns go plane by plane through each 256 columns, so that chunks
/// that follow each other need few columns of x; rows of a row group are padded to whole tiles. Padding is 0.
inline constexpr int kTileRows = 16;
inline constexpr int kChunkWords = 8; ///< of 32 virtual columns
inline constexpr int kTileWords = kTileRows * kChunkWords;
inline constexpr int kOperandWords = kPlanes * kChunkWords; ///< of one chunk of activation planes

/// Columns 32 `word` .. 32 `word` + 31 of a plane.
struct VirtualWord {
    int plane, word;
};
/// Virtual word v; words = ceil(K/32). The plane or the word is past the last where v is.
SA_HOST_DEVICE inline VirtualWord wordAt(int v, int q, int words)
{
    const int rest = words % kChunkWords, whole = words - rest;
    const int width = v < whole * q ? kChunkWords : rest;
    if (width == 0)
        return {q, words};
    const int inside = v < whole * q ? v % (kChunkWords * q) : v - whole * q;
    return {inside / width, (v < whole * q ? v / (kChunkWords * q) * kChunkWords : whole) + inside % width};
}
/// The inverse of wordAt.
SA_HOST_DEVICE inline int virtualWord(int plane, int word, int q, int words)
{
    const int rest = words % kChunkWords, whole = words - rest;
    return word < whole ? (word / kChunkWords * q + plane) * kChunkWords + word % kChunkWords
                        : whole * q + plane * rest + word - whole;
}

struct WordPlace {
    int row;  ///< in the tile
    int word; ///< in the chunk
};
/// Word i (of 128) of a tile's chunk: register i % 4 of lane i / 4.
SA_HOST_DEVICE inline WordPlace placeInTile(int i)
{
    const int lane = i / 4, part = i % 4;
    return {(lane >> 2) + 8 * (part & 1), (lane & 3) + 4 * (part >> 1)};
}
SA_HOST_DEVICE inline int indexInTile(int row, int word)
{
    return 4 * (4 * (row & 7) + (word & 3)) + (row >> 3) + 2 * (word >> 2);
}
/// Where word `word` of activation plane p lies in a chunk's operand.
SA_HOST_DEVICE inline int indexInOperand(int plane, int word)
{
    return plane * kChunkWords + 2 * (word & 3) + (word >> 2);
}

} // namespace onebit

/// Chunks of one tile: ceil(q ceil(K/32) / 8).
int oneBitChunks(const SignPlanes& w) noexcept;
/// Tiles of the whole matrix, row group by row group.
int oneBitTiles(const SignPlanes& w) noexcept;
/// out: [tiles][chunks][128]. A permutation of the words of `w`, and padding.
Status toOneBitTiles(const SignPlanes& w, std::uint32_t* out) noexcept;
/// The words of `shape` (whose pointers are not read), bits: [ceil(K/32)][q][N].
Status fromOneBitTiles(const SignPlanes& shape, const std::uint32_t* tiles, std::uint32_t* bits) noexcept;

/// The definition above in plain integers, bit for bit what a device computes. bias: [N] or null; y: [M][ldy].
Status oneBitRef(const SignPlanes& w, const float* x, int M, const float* bias, float* y, std::ptrdiff_t ldy) noexcept;

} // namespace sa::kernels
