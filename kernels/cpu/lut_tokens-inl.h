// SPDX-License-Identifier: GPL-3.0-or-later
// Many tokens: the vector runs over tokens. A table entry is the signed sum of 4 columns for kVectors * L tokens at
// once, so that each four weights of a row select an entry by address and add it: no shuffle, one load and one add per
// vector.
#if defined(SA_KERNELS_LUT_TOKENS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SA_KERNELS_LUT_TOKENS_INL_H
#undef SA_KERNELS_LUT_TOKENS_INL_H
#else
#define SA_KERNELS_LUT_TOKENS_INL_H
#endif

#include "kernels/cpu/lut_gemm_plan.h"
#include "kernels/cpu/lut_ops-inl.h"
#include "kernels/cpu/lut_shift-inl.h"
#include "kernels/cpu/lut_transpose-inl.h"

SA_LUT_BEFORE_NAMESPACE
namespace sa::kernels::cpu::SA_LUT_NAMESPACE
{

using TokenTag = hn::ScalableTag<float>;
using TokenVector = hn::Vec<TokenTag>;

/// Rows that use one build of the tables (8 KB a plane, in the first-level cache; their sums stream through it).
inline constexpr std::size_t kTokenTileRows = 512;
inline constexpr std::size_t kMaxTokenVectors = 2;
inline constexpr std::size_t kMaxTokens = kMaxTokenVectors * hn::MaxLanes(TokenTag());

/// kVectors vectors of tokens; the columns of all arrays below are tokens.
template<std::size_t kVectors> struct TokenBlock {
    static constexpr std::size_t kLanes = hn::MaxLanes(TokenTag());
    static constexpr std::size_t kTokens = kVectors * kLanes;
    static constexpr std::size_t kTableFloats = 16 * kTokens; ///< one table: 4 columns
    static constexpr std::size_t kPlaneFloats = 8 * kTableFloats;
};

struct TokenScratch {
    static constexpr std::size_t kXFloats = kBlockColumns * kMaxTokens;
    static constexpr std::size_t kTablesFloats = 8 * 16 * kMaxTokens;
    static constexpr std::size_t kSumsFloats = kTokenTileRows * kMaxTokens;
    static constexpr std::size_t kShiftedFloats = 32 * kMaxTokens;
    static constexpr std::size_t kScalesFloats = 4 * RowScales::kFloats;
    static constexpr std::size_t kFloats = kXFloats + kTablesFloats + kSumsFloats + kShiftedFloats + kScalesFloats;

    explicit TokenScratch(float* memory)
        : x(memory)
        , tables(x + kXFloats)
        , sums(tables + kTablesFloats)
        , shifted(sums + kSumsFloats)
        , scales(shifted + kShiftedFloats)
    {
    }

    float* x;       ///< [kBlockColumns][tokens], zero past the last column and token
    float* tables;  ///< [8][16][tokens] of one plane and word
    float* sums;    ///< [rows of the tile][tokens]
    float* shifted; ///< [32][tokens]
    float* scales;  ///< [q] of RowScales, shared tables only
};

/// The two tables of one byte: entry i of table j is the sum of +-column(4j+c), c < 4, plus where bit c of i is set.
/// column(c, v): columns 0..7, vector v of the block.
template<std::size_t kVectors, class Column> HWY_INLINE void buildByteTables(Column column, float* HWY_RESTRICT tables)
{
    using Block = TokenBlock<kVectors>;
    const TokenTag d;
#pragma GCC unroll 2
    for (std::size_t j = 0; j < 2; ++j) {
        TokenVector low[kVectors][4];  // +-x0 +-x1
        TokenVector high[kVectors][2]; // x2 + x3, x3 - x2
        for (std::size_t v = 0; v < kVectors; ++v) {
            const TokenVector x0 = column(4 * j, v);
            const TokenVector x1 = column(4 * j + 1, v);
            const TokenVector x2 = column(4 * j + 2, v);
            const TokenVector x3 = column(4 * j + 3, v);
            low[v][3] = hn::Add(x0, x1);
            low[v][1] = hn::Sub(x0, x1);
            low[v][0] = hn::Neg(low[v][3]);
            low[v][2] = hn::Neg(low[v][1]);
            high[v][0] = hn::Sub(x3, x2);
            high[v][1] = hn::Add(x2, x3);
        }
        float* table = tables + j * Block::kTableFloats;
        for (std::size_t h = 0; h < 2; ++h) {
            for (std::size_t l = 0; l < 4; ++l) {
                TokenVector sum[kVectors];
                for (std::size_t v = 0; v < kVectors; ++v) {
                    sum[v] = hn::Add(low[v][l], high[v][h]);
                    hn::Store(sum[v], d, table + (8 + 4 * h + l) * Block::kTokens + v * Block::kLanes);
                }
                for (std::size_t v = 0; v < kVectors; ++v) // the mirrored entry is the exact negative
                    hn::Store(hn::Neg(sum[v]), d, table + (7 - 4 * h - l) * Block::kTokens + v * Block::kLanes);
            }
        }
    }
}

/// Tables of one word, plane b and row group g, from activations shifted by that plane's scales.
template<std::size_t kVectors>
void buildShiftedTables(const WordScales& scales, bool perColumn, std::size_t b, std::size_t g,
                        const float* HWY_RESTRICT x, ExponentRange range, const TokenScratch& s)
{
    constexpr std::size_t kTokens = TokenBlock<kVectors>::kTokens;
    constexpr std::size_t kLanes = TokenBlock<kVectors>::kLanes;
    const TokenTag d;
    const auto shiftColumn = [&](const ShiftScale& scale, std::size_t c) {
        for (std::size_t m = 0; m < kTokens; ++m)
            s.shifted[c * kTokens + m] = shifted(x[c * kTokens + m], scale);
    };
    for (std::size_t c0 = 0; c0 < 32; c0 += 8) {
        float* tables = s.tables + c0 / 4 * TokenBlock<kVectors>::kTableFloats;
        const auto loadX = [&](std::size_t c, std::size_t v) {
            return hn::Load(d, x + (c0 + c) * kTokens + v * kLanes);
        };
        if (!perColumn) {
            const ShiftScale scale = shiftScale(scales.at(c0, b, g));
            if (scale.terms != 0 && ordinaryShift(scale, range.lowest, range.highest)) {
                if (scale.terms == 3)
                    buildByteTables<kVectors>(
                        [&](std::size_t c, std::size_t v) { return shiftVector<3>(d, loadX(c, v), scale); }, tables);
                else if (scale.terms == 2)
                    buildByteTables<kVectors>(
                        [&](std::size_t c, std::size_t v) { return shiftVector<2>(d, loadX(c, v), scale); }, tables);
                else
                    buildByteTables<kVectors>(
                        [&](std::size_t c, std::size_t v) { return shiftVector<1>(d, loadX(c, v), scale); }, tables);
                continue;
            }
            for (std::size_t c = c0; c < c0 + 8; ++c)
                shiftColumn(scale, c);
        } else {
            for (std::size_t c = c0; c < c0 + 8; ++c) {
                const ShiftScale scale = shiftScale(scales.at(c, b, g));
                if (scale.terms == 0 || !ordinaryShift(scale, range.lowest, range.highest)) {
                    shiftColumn(scale, c);
                    continue;
                }
                for (std::size_t i = c * kTokens; i < (c + 1) * kTokens; i += kLanes) {
                    const TokenVector v = hn::Load(d, x + i);
                    hn::Store(scale.terms == 3   ? shiftVector<3>(d, v, scale)
                              : scale.terms == 2 ? shiftVector<2>(d, v, scale)
                                                 : shiftVector<1>(d, v, scale),
                              d, s.shifted + i);
                }
            }
        }
        buildByteTables<kVectors>(
            [&](std::size_t c, std::size_t v) { return hn::Load(d, s.shifted + (c0 + c) * kTokens + v * kLanes); },
            tables);
    }
}

/// Tables of one word of unshifted activations.
template<std::size_t kVectors> void buildPlainTables(const float* HWY_RESTRICT x, float* HWY_RESTRICT tables)
{
    using Block = TokenBlock<kVectors>;
    const TokenTag d;
    for (std::size_t byte = 0; byte < 4; ++byte)
        buildByteTables<kVectors>(
            [&](std::size_t c, std::size_t v) {
                return hn::Load(d, x + (8 * byte + c) * Block::kTokens + v * Block::kLanes);
            },
            tables + 2 * byte * Block::kTableFloats);
}

/// sums[row] += the word sum of one plane: per byte two entries selected by the row's nibbles. `words` has one per row.
template<std::size_t kVectors, bool kShared>
HWY_INLINE void addWordSums(const std::uint32_t* HWY_RESTRICT words, std::size_t rows, const float* HWY_RESTRICT tables,
                            const RowScales& scales, float* HWY_RESTRICT sums)
{
    using Block = TokenBlock<kVectors>;
    constexpr int kShift = std::countr_zero(Block::kTokens); // an index becomes a float offset by this shift
    constexpr std::uint32_t kMask = 15U << kShift;
    const TokenTag d;
    for (std::size_t row = 0; row < rows; ++row) {
        const std::uint32_t word = words[row];
        TokenVector sum[kVectors];
#pragma GCC unroll 4
        for (int byte = 0; byte < 4; ++byte) {
            const float* low = tables + 2 * byte * Block::kTableFloats + (std::rotr(word, 8 * byte - kShift) & kMask);
            const float* high =
                tables + (2 * byte + 1) * Block::kTableFloats + (std::rotr(word, 8 * byte + 4 - kShift) & kMask);
            for (std::size_t v = 0; v < kVectors; ++v) {
                const TokenVector s =
                    hn::Add(hn::Load(d, low + v * Block::kLanes), hn::Load(d, high + v * Block::kLanes));
                if constexpr (kShared) {
                    const TokenVector alpha = hn::Set(d, scales[static_cast<std::size_t>(byte)][row]);
                    sum[v] = byte == 0 ? hn::Mul(alpha, s) : hn::MulAdd(alpha, s, sum[v]);
                } else {
                    sum[v] = byte == 0 ? s : hn::Add(sum[v], s);
                }
            }
        }
        for (std::size_t v = 0; v < kVectors; ++v) {
            float* out = sums + row * Block::kTokens + v * Block::kLanes;
            hn::Store(hn::Add(hn::Load(d, out), sum[v]), d, out);
        }
    }
}

/// All rows of the call for tokens [firstToken, firstToken + count).
template<std::size_t kVectors>
void runTokens(const LutGemmCall& call, std::size_t firstToken, std::size_t count, const TokenScratch& s)
{
    using Block = TokenBlock<kVectors>;
    const TokenTag d;
    const SignPlanes& w = call.w;
    const auto K = static_cast<std::size_t>(w.K);
    const auto q = static_cast<std::size_t>(w.q);
    const auto R = static_cast<std::size_t>(w.R);
    const bool shared = sharesTables(w);
    const WordTiles tiles(call);
    const std::size_t groups = w.rowGroups();
    const std::size_t blocks = w.columnGroups();

    for (std::size_t blockBegin = 0; blockBegin < K; blockBegin += kBlockColumns) {
        const std::size_t words = (std::min(kBlockColumns, K - blockBegin) + 31) / 32;
        const std::size_t columns = std::min(kBlockColumns, K - blockBegin);
        if (columns < 32 * words || count < Block::kTokens)
            std::fill(s.x, s.x + 32 * words * Block::kTokens, 0.0F);
        transpose(call.x + firstToken * K + blockBegin, K, count, columns, s.x, Block::kTokens, false);
        ExponentRange ranges[kBlockWords];
        if (!shared)
            for (std::size_t t = 0; t < words; ++t)
                ranges[t] = exponentRange(d, s.x + 32 * t * Block::kTokens, 32 * Block::kTokens);

        for (std::size_t n = call.rowBegin; n < call.rowEnd;) {
            const std::size_t group = n / R;
            const WordTiles::Run run = tiles.at(n);
            const std::size_t tileEnd =
                std::min({call.rowEnd, n + kTokenTileRows, run.end, shared ? n + RowScales::kRows : (group + 1) * R});
            std::fill(s.sums, s.sums + (tileEnd - n) * Block::kTokens, 0.0F);
            RowScales rowScales[4];
            for (std::size_t t = 0; t < words; ++t) {
                const std::size_t k0 = blockBegin + 32 * t;
                const float* x = s.x + 32 * t * Block::kTokens;
                const WordScales scales(w, groups, blocks, k0);
                if (shared)
                    buildPlainTables<kVectors>(x, s.tables);
                for (std::size_t b = 0; b < q; ++b) {
                    const std::uint32_t* bits = run.words + (k0 / 32 * q + b) * run.stride;
                    if (shared) {
                        rowScales[b].expand(scales, b, R, n, tileEnd, s.scales + b * RowScales::kFloats);
                        addWordSums<kVectors, true>(bits, tileEnd - n, s.tables, rowScales[b], s.sums);
                    } else {
                        buildShiftedTables<kVectors>(scales, w.C == 1, b, group, x, ranges[t], s);
                        addWordSums<kVectors, false>(bits, tileEnd - n, s.tables, rowScales[b], s.sums);
                    }
                }
            }
            transpose(s.sums, Block::kTokens, tileEnd - n, count,
                      call.y + static_cast<std::ptrdiff_t>(firstToken) * call.ldy + n,
                      static_cast<std::size_t>(call.ldy), blockBegin != 0);
            n = tileEnd;
        }
    }
}

} // namespace sa::kernels::cpu::SA_LUT_NAMESPACE
SA_LUT_AFTER_NAMESPACE

#endif
