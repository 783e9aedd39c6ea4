// SPDX-License-Identifier: GPL-3.0-or-later
// What all vector units share: the call, the blocking of the columns, and which of the two strategies a weight takes.
#pragma once

#include "kernels/cpu/shift.h"
#include "sa/kernels/sign_planes.h"

#include <algorithm>

namespace sa::kernels::cpu
{

/// One product, already checked.
struct LutGemmCall {
    SignPlanes w;
    const float* x = nullptr; ///< [M][K]
    int M = 0;
    float* y = nullptr; ///< [M][ldy]
    std::ptrdiff_t ldy = 0;
    std::size_t rowBegin = 0, rowEnd = 0;
    std::size_t tileRows = 0; ///< of the words' layout (lut_gemm.h); 0: all rows are one tile, the interchange layout
};

/// Where words lie. Rows up to `end` are adjacent in each word and plane.
class WordTiles
{
public:
    explicit WordTiles(const LutGemmCall& call)
        : m_bits(call.w.bits)
        , m_rows(static_cast<std::size_t>(call.w.N))
        , m_tileRows(call.tileRows == 0 ? m_rows : std::min(call.tileRows, m_rows))
        , m_wordsOfRow((static_cast<std::size_t>(call.w.K) + 31) / 32 * static_cast<std::size_t>(call.w.q))
    {
    }

    struct Run {
        const std::uint32_t* words; ///< word 0, plane 0 of the row
        std::size_t stride;         ///< to the next plane; q of them to the next word
        std::size_t end;            ///< first row behind the tile
    };
    Run at(std::size_t row) const
    {
        const std::size_t begin = row / m_tileRows * m_tileRows, end = std::min(m_rows, begin + m_tileRows);
        return {m_bits + begin * m_wordsOfRow + (row - begin), end - begin, end};
    }

private:
    const std::uint32_t* m_bits;
    std::size_t m_rows, m_tileRows, m_wordsOfRow;
};

/// The order of one output's sum, the same on every path: byte sums s = table + table; word sums p = ((s0+s1)+s2)+s3
/// per plane; p into the block's accumulator, words then planes ascending; blocks of kBlockColumns into y. With u =
/// 2^-24 the roundings along one chain are <= 3.1 (shift) + 2 (table) + 1 + 3 + 16 q + K / 512, hence the error <=
/// 2^-17 sum A|x| in the worst case up to K = 28000 at q = 4 (and far below it in practice, where roundings do not all
/// agree).
inline constexpr std::size_t kBlockColumns = 512;
inline constexpr std::size_t kBlockWords = kBlockColumns / 32;

/// Tables of shifted activations serve one row group. With few rows a group, and many groups, building them costs more
/// than it saves; then the tables hold unshifted sums for all rows and planes, and each byte's sum (8 columns) is
/// scaled by one multiply-add. Up to kMaxSmallGroups groups, the default geometry of any N, nothing is multiplied.
inline constexpr int kMinRowsForShiftedTables = 32;
inline constexpr std::size_t kMaxSmallGroups = 8;

inline bool sharesTables(const SignPlanes& w)
{
    return w.R < kMinRowsForShiftedTables && w.rowGroups() > kMaxSmallGroups && w.C % 8 == 0;
}

/// Whether no scale makes an entry of the 14-bit tables infinite: |x| < 2^86, a scale is below 2^24, and four add up.
inline bool fitsFixedPoint(const float* x, std::size_t count)
{
    std::uint32_t highest = 0;
    for (std::size_t i = 0; i < count; ++i)
        highest = std::max(highest, std::bit_cast<std::uint32_t>(x[i]) & 0x7FFFFFFFU);
    return highest < (127U + 86U) << 23;
}

/// The scales of one word (32 columns from k0). Past the last column the last block's serve: activations are 0 there.
class WordScales
{
public:
    /// groups = w.rowGroups() and blocks = w.columnGroups(), divided once per call.
    WordScales(const SignPlanes& w, std::size_t groups, std::size_t blocks, std::size_t k0)
        : m_groups(groups)
    {
        const std::size_t stride = static_cast<std::size_t>(w.q) * groups;
        const auto C = static_cast<std::size_t>(w.C);
        const std::size_t step = C == 1 ? 1 : 8; // columns that share a scale in any case
        for (std::size_t i = 0; i < kSlots; i += step) {
            const std::size_t block = C == 1 ? k0 + i : C == 8 ? (k0 + i) / 8 : (k0 + i) / C;
            std::fill_n(m_blocks + i, step, w.scales + std::min(block, blocks - 1) * stride);
        }
    }

    /// Column c of the word, plane b, row group g.
    PackedScale at(std::size_t c, std::size_t b, std::size_t g) const { return m_blocks[c][b * m_groups + g]; }
    /// The scales of all row groups.
    const PackedScale* row(std::size_t c, std::size_t b) const { return m_blocks[c] + b * m_groups; }

private:
    static constexpr std::size_t kSlots = 32;
    std::size_t m_groups;
    const PackedScale* m_blocks[kSlots]; ///< [q][groups] each
};

/// Biased exponents of the non-zero activations of one 32-column word: what decides whether plain exponent adds
/// suffice.
struct ExponentRange {
    int lowest = 255;
    int highest = 0;
};

} // namespace sa::kernels::cpu
