// SPDX-License-Identifier: GPL-3.0-or-later
// Few tokens: the vector runs over rows, whose words are adjacent in the layout, and looks its entries up in registers.
#if defined(SA_KERNELS_LUT_ROWS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SA_KERNELS_LUT_ROWS_INL_H
#undef SA_KERNELS_LUT_ROWS_INL_H
#else
#define SA_KERNELS_LUT_ROWS_INL_H
#endif

#include "kernels/cpu/lut_gemm_plan.h"
#include "kernels/cpu/lut_ops-inl.h"
#include "kernels/cpu/lut_row_tables-inl.h"
#include "kernels/cpu/lut_shift-inl.h"
#include "kernels/cpu/lut_transpose-inl.h"

#include "hwy/cache_control.h"

#include <type_traits>

SA_LUT_BEFORE_NAMESPACE
namespace sa::kernels::cpu::SA_LUT_NAMESPACE
{

/// Rows whose sums stay in the first-level cache while all words of a block pass; runs of this length stream well.
inline constexpr std::size_t kRowTileRows = 4096;

/// Distance of the software prefetch: each plane is a stream of its own that the hardware loses at every run's end.
inline constexpr std::size_t kPrefetchRows = 1024;

struct RowScratch {
    static constexpr std::size_t kSumsFloats = kRowTileRows;
    static constexpr std::size_t kTablesFloats = 4 * kByteFloats;
    static constexpr std::size_t kScalesFloats = RowScales::kFloats;
    static constexpr std::size_t kFloats = kBlockColumns + 32 + kTablesFloats + kScalesFloats + kSumsFloats;

    explicit RowScratch(float* memory)
        : x(memory)
        , shifted(x + kBlockColumns)
        , tables(shifted + 32)
        , scales(tables + kTablesFloats)
        , sums(scales + kScalesFloats)
    {
    }

    float* x;       ///< [kBlockColumns], zero past the last column
    float* shifted; ///< [32]
    float* tables;  ///< [4][kByteFloats] of one word and plane
    float* scales;  ///< of RowScales, shared tables only
    float* sums;    ///< runs of rows, each padded to whole vectors
};

/// The activations of one word shifted by the scales of plane b and row group g.
inline void shiftWord(const WordScales& scales, bool perColumn, std::size_t b, std::size_t g,
                      const float* HWY_RESTRICT x, ExponentRange range, float* HWY_RESTRICT out)
{
    if (perColumn) {
        for (std::size_t c = 0; c < 32; ++c)
            out[c] = shifted(x[c], shiftScale(scales.at(c, b, g)));
        return;
    }
    const hn::CappedTag<float, 8> d;
    for (std::size_t c0 = 0; c0 < 32; c0 += 8) {
        const ShiftScale scale = shiftScale(scales.at(c0, b, g));
        if (scale.terms == 0 || !ordinaryShift(scale, range.lowest, range.highest)) {
            for (std::size_t c = c0; c < c0 + 8; ++c)
                out[c] = shifted(x[c], scale);
            continue;
        }
        for (std::size_t c = c0; c < c0 + 8; c += hn::Lanes(d)) {
            const auto v = hn::Load(d, x + c);
            hn::Store(scale.terms == 3   ? shiftVector<3>(d, v, scale)
                      : scale.terms == 2 ? shiftVector<2>(d, v, scale)
                                         : shiftVector<1>(d, v, scale),
                      d, out + c);
        }
    }
}

/// Up to a vector of words, zero past `count`; touches no memory past them.
HWY_INLINE WordVector loadWords(WordTag d, const std::uint32_t* words, std::size_t count)
{
    if constexpr (kRowLanes == 1)
        return hn::Load(d, words);
    else
        return hn::MaskedLoad(hn::FirstN(d, count), d, words);
}

/// The word sums of kVectors vectors of rows, byte by byte, each byte's tables read once for all of them.
template<bool kShared, std::size_t kVectors>
HWY_INLINE void wordSums(const float* HWY_RESTRICT tables, const WordVector* words, const RowScales& scales,
                         std::size_t row, RowVector* sums)
{
    const RowTag d;
    const auto addByte = [&]<int kByte>(std::integral_constant<int, kByte>) {
        const ByteTables<kByte> byte(tables);
        for (std::size_t v = 0; v < kVectors; ++v) {
            const RowVector s = byte.sum(words[v]);
            if constexpr (kShared) {
                const RowVector alpha = hn::Load(d, scales[kByte] + row + v * kRowLanes);
                sums[v] = kByte == 0 ? hn::Mul(alpha, s) : hn::MulAdd(alpha, s, sums[v]);
            } else {
                sums[v] = kByte == 0 ? s : hn::Add(sums[v], s);
            }
        }
    };
    addByte(std::integral_constant<int, 0>());
    addByte(std::integral_constant<int, 1>());
    addByte(std::integral_constant<int, 2>());
    addByte(std::integral_constant<int, 3>());
}

/// sums[row] += the word sums of one plane. A vector of rows past the end reads nothing from the plane and writes
/// padding of `sums` only.
template<bool kShared>
HWY_NOINLINE void addRowSums(const std::uint32_t* HWY_RESTRICT words, std::size_t rows,
                             const float* HWY_RESTRICT tables, const RowScales& scales, float* HWY_RESTRICT sums)
{
    const RowTag d;
    const WordTag dw;
    std::size_t row = 0;
    for (; row + 2 * kRowLanes <= rows; row += 2 * kRowLanes) {
        hwy::Prefetch(words + row + kPrefetchRows);
        const WordVector pair[2] = {hn::LoadU(dw, words + row), hn::LoadU(dw, words + row + kRowLanes)};
        RowVector sum[2];
        wordSums<kShared, 2>(tables, pair, scales, row, sum);
        for (std::size_t v = 0; v < 2; ++v)
            hn::Store(hn::Add(hn::Load(d, sums + row + v * kRowLanes), sum[v]), d, sums + row + v * kRowLanes);
    }
    for (; row < rows; row += kRowLanes) {
        const WordVector word = loadWords(dw, words + row, rows - row);
        RowVector sum;
        wordSums<kShared, 1>(tables, &word, scales, row, &sum);
        hn::Store(hn::Add(hn::Load(d, sums + row), sum), d, sums + row);
    }
}

/// All rows of the call for one token.
inline void runRows(const LutGemmCall& call, std::size_t token, const RowScratch& s)
{
    const SignPlanes& w = call.w;
    const auto K = static_cast<std::size_t>(w.K);
    const auto N = static_cast<std::size_t>(w.N);
    const auto q = static_cast<std::size_t>(w.q);
    const auto R = static_cast<std::size_t>(w.R);
    const bool shared = sharesTables(w);
    const std::size_t groups = w.rowGroups();
    const std::size_t blocks = w.columnGroups();
    const hn::CappedTag<float, 16> d;
    const auto padded = [](std::size_t rows) { return (rows + kRowLanes - 1) / kRowLanes * kRowLanes; };
    // Rows [n, end) that share a set of tables (or the room for scales), when `used` sums of the tile are taken.
    const auto runEnd = [&](std::size_t n, std::size_t used) {
        return std::min({call.rowEnd, n + kRowTileRows - used, shared ? n + RowScales::kRows : (n / R + 1) * R});
    };
    float* y = call.y + static_cast<std::ptrdiff_t>(token) * call.ldy;

    for (std::size_t tileBegin = call.rowBegin, tileEnd = tileBegin; tileBegin < call.rowEnd; tileBegin = tileEnd) {
        std::size_t used = 0;
        while (tileEnd < call.rowEnd && used < kRowTileRows) {
            const std::size_t end = runEnd(tileEnd, used);
            used += padded(end - tileEnd);
            tileEnd = end;
        }
        for (std::size_t blockBegin = 0; blockBegin < K; blockBegin += kBlockColumns) {
            const std::size_t columns = std::min(kBlockColumns, K - blockBegin);
            const std::size_t words = (columns + 31) / 32;
            std::copy_n(call.x + token * K + blockBegin, columns, s.x);
            std::fill(s.x + columns, s.x + 32 * words, 0.0F);
            std::fill(s.sums, s.sums + used, 0.0F);
            for (std::size_t t = 0; t < words; ++t) {
                const std::size_t k0 = blockBegin + 32 * t;
                const float* x = s.x + 32 * t;
                const std::uint32_t* bits = w.bits + k0 / 32 * q * N;
                const ExponentRange range = exponentRange(d, x, 32);
                const WordScales scales(w, groups, blocks, k0);
                if (shared)
                    buildRowTables(x, s.tables);
                std::size_t at = 0;
                for (std::size_t n = tileBegin; n < tileEnd;) {
                    const std::size_t end = runEnd(n, at);
                    for (std::size_t b = 0; b < q; ++b) {
                        RowScales rowScales;
                        if (shared) {
                            rowScales.expand(scales, b, R, n, end, s.scales);
                            addRowSums<true>(bits + b * N + n, end - n, s.tables, rowScales, s.sums + at);
                        } else {
                            shiftWord(scales, w.C == 1, b, n / R, x, range, s.shifted);
                            buildRowTables(s.shifted, s.tables);
                            addRowSums<false>(bits + b * N + n, end - n, s.tables, rowScales, s.sums + at);
                        }
                    }
                    at += padded(end - n);
                    n = end;
                }
            }
            std::size_t at = 0;
            for (std::size_t n = tileBegin; n < tileEnd;) {
                const std::size_t end = runEnd(n, at);
                for (std::size_t row = n; row < end; ++row)
                    put(s.sums[at + row - n], y[row], blockBegin != 0);
                at += padded(end - n);
                n = end;
            }
        }
    }
}

} // namespace sa::kernels::cpu::SA_LUT_NAMESPACE
SA_LUT_AFTER_NAMESPACE

#endif
