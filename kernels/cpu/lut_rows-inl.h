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

/// Distance of the software prefetch, in words: 4 KB, a page, beyond which the hardware's own does not look.
inline constexpr std::size_t kPrefetchWords = 1024;

/// Vectors of rows that go through the tables together, which are read once for all of them.
inline constexpr std::size_t kRowVectors = SA_LUT_ROW_UNIT == 512 ? 4 : 2;

struct RowScratch {
    static constexpr std::size_t kSumsFloats = kRowTileRows;
    static constexpr std::size_t kShiftedFloats = 4 * 32;
    static constexpr std::size_t kTablesFloats = 4 * 4 * kByteFloats;
    static constexpr std::size_t kScalesFloats = RowScales::kFloats;
    static constexpr std::size_t kFloats = kBlockColumns + kShiftedFloats + kTablesFloats + kScalesFloats + kSumsFloats;

    explicit RowScratch(float* memory)
        : x(memory)
        , shifted(x + kBlockColumns)
        , tables(shifted + kShiftedFloats)
        , scales(tables + kTablesFloats)
        , sums(scales + kScalesFloats)
    {
    }

    float* x;       ///< [kBlockColumns], zero past the last column
    float* shifted; ///< [q][32]
    float* tables;  ///< [q][4][kByteFloats] of one word
    float* scales;  ///< of RowScales, shared tables only
    float* sums;    ///< runs of rows, each padded to whole vectors
};

/// A scale for each column. Branch-free integers without a break, so that the compiler makes vectors of the loop; an
/// absent term adds +0, which changes no sum.
inline void shiftColumns(const WordScales& scales, std::size_t b, std::size_t g, const float* HWY_RESTRICT x,
                         ExponentRange range, float* HWY_RESTRICT out)
{
    std::uint32_t words[32];
    for (std::size_t c = 0; c < 32; ++c)
        words[c] = scales.at(c, b, g);
    std::uint32_t highest = 0, lowest = 1U << 16; // exponents above the bias, of the first and of the last terms
    for (std::size_t c = 0; c < 32; ++c) {
        const std::uint32_t word = words[c];
        const std::uint32_t first = word >> 10, second = first - ((word >> 5) & 15U), third = second - (word & 15U);
        const auto term = [bits = std::bit_cast<std::uint32_t>(x[c])](std::uint32_t exponent, std::uint32_t minus,
                                                                      bool present) {
            const std::uint32_t moved = bits + ((exponent - kScaleExponentBias) << 23) + (minus << 31);
            return std::bit_cast<float>(moved & (0U - static_cast<std::uint32_t>(present)));
        };
        const bool some = x[c] != 0.0F;
        out[c] = (term(first, 0, some) + term(second, (word >> 9) & 1U, some && second != first)) +
                 term(third, (word >> 4) & 1U, some && third != second);
        highest = std::max(highest, first);
        lowest = std::min(lowest, first == 0 ? 0U : third + 32U); // an exponent may lie below the bias
    }
    // As ordinaryShift, for all columns at once; a scale of 0 does not pass.
    const int top = static_cast<int>(highest) - kScaleExponentBias;
    const int bottom = static_cast<int>(lowest) - 32 - kScaleExponentBias;
    const bool none = lowest == 0;
    if (none || range.lowest < 1 || range.highest > 254 || range.lowest + bottom < 1 || range.highest + top > 253)
        for (std::size_t c = 0; c < 32; ++c)
            out[c] = shifted(x[c], shiftScale(scales.at(c, b, g)));
}

/// What the scales of one word and row group add to an activation's bits, for its four bytes in all planes.
class WordShifts
{
public:
    HWY_INLINE WordShifts(const WordScales& scales, std::size_t q, std::size_t g, ExponentRange range)
    {
        std::uint32_t words[kSlots] = {};
        for (std::size_t b = 0; b < q; ++b)
            for (std::size_t byte = 0; byte < 4; ++byte)
                words[4 * b + byte] = scales.at(8 * byte, b, g);
        for (std::size_t i = 4 * q; i < kSlots; ++i)
            words[i] = words[0];
        // Branch-free integers, so that the compiler makes vectors of the loop. An absent term adds +0, which changes
        // no sum.
        constexpr std::uint32_t kBias = kScaleExponentBias;
        const int least = 1 + kScaleExponentBias - range.lowest, most = 253 + kScaleExponentBias - range.highest;
        std::uint32_t odd = 0;
        for (std::size_t i = 0; i < kSlots; ++i) {
            const std::uint32_t word = words[i], first = word >> 10, gap2 = (word >> 5) & 15U, gap3 = word & 15U;
            m_first[i] = (first - kBias) << 23;
            m_second[i] = ((first - gap2 - kBias) << 23) + (((word >> 9) & 1U) << 31);
            m_third[i] = ((first - gap2 - gap3 - kBias) << 23) + (((word >> 4) & 1U) << 31);
            m_hasSecond[i] = 0U - static_cast<std::uint32_t>(gap2 != 0);
            m_hasThird[i] = 0U - static_cast<std::uint32_t>(gap2 != 0 && gap3 != 0);
            odd |= static_cast<std::uint32_t>(first == 0) | static_cast<std::uint32_t>(static_cast<int>(first) > most) |
                   static_cast<std::uint32_t>(static_cast<int>(first - gap2 - gap3) < least);
        }
        // As ordinaryShift, for all bytes and planes at once.
        m_ordinary = odd == 0 && range.lowest >= 1 && range.highest <= 254;
    }

    /// Whether plain exponent adds are right for every scale here.
    bool ordinary() const { return m_ordinary; }

    /// Where they are: one byte's activations in plane b.
    template<class D, class V = hn::Vec<D>> HWY_INLINE V apply(D d, V x, std::size_t b, std::size_t byte) const
    {
        const hn::RebindToUnsigned<D> du;
        const auto bits = hn::BitCast(du, x);
        const std::size_t i = 4 * b + byte;
        const auto term = [&](std::uint32_t addend) { return hn::Add(bits, hn::Set(du, addend)); };
        const auto present = [&](auto value, std::uint32_t mask) {
            return hn::BitCast(d, hn::And(value, hn::Set(du, mask)));
        };
        const V sum = hn::Add(hn::Add(hn::BitCast(d, term(m_first[i])), present(term(m_second[i]), m_hasSecond[i])),
                              present(term(m_third[i]), m_hasThird[i]));
        return hn::IfThenZeroElse(hn::Eq(x, hn::Zero(d)), sum); // an exponent add would make 0 a number
    }

private:
    static constexpr std::size_t kSlots = 16;
    alignas(64) std::uint32_t m_first[kSlots], m_second[kSlots], m_third[kSlots], m_hasSecond[kSlots],
        m_hasThird[kSlots];
    bool m_ordinary;
};

/// The activations of one word shifted by the scales of plane b and row group g.
HWY_INLINE void shiftWord(const WordScales& scales, const WordShifts& shifts, std::size_t b, std::size_t g,
                          const float* HWY_RESTRICT x, float* HWY_RESTRICT out)
{
    const hn::CappedTag<float, 8> d;
    if (shifts.ordinary())
        for (std::size_t byte = 0; byte < 4; ++byte)
            for (std::size_t c = 8 * byte; c < 8 * byte + 8; c += hn::Lanes(d))
                hn::Store(shifts.apply(d, hn::Load(d, x + c), b, byte), d, out + c);
    else
        for (std::size_t c = 0; c < 32; ++c)
            out[c] = shifted(x[c], shiftScale(scales.at(c, b, g)));
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
    constexpr std::size_t kStep = kRowVectors * kRowLanes;
    std::size_t row = 0;
    for (; row + kStep <= rows; row += kStep) {
        for (std::size_t line = 0; line < kStep; line += 16)
            hwy::Prefetch(words + row + line + kPrefetchWords);
        WordVector group[kRowVectors];
        RowVector sum[kRowVectors];
        for (std::size_t v = 0; v < kRowVectors; ++v)
            group[v] = hn::LoadU(dw, words + row + v * kRowLanes);
        wordSums<kShared, kRowVectors>(tables, group, scales, row, sum);
        for (std::size_t v = 0; v < kRowVectors; ++v)
            hn::Store(hn::Add(hn::Load(d, sums + row + v * kRowLanes), sum[v]), d, sums + row + v * kRowLanes);
    }
    for (; row < rows; row += kRowLanes) {
        const WordVector word = loadWords(dw, words + row, rows - row);
        RowVector sum;
        wordSums<kShared, 1>(tables, &word, scales, row, &sum);
        hn::Store(hn::Add(hn::Load(d, sums + row), sum), d, sums + row);
    }
}

/// The tables of one word for a row group, of all planes before any is used: they do not wait for each other.
HWY_INLINE void shiftedTables(const SignPlanes& w, const WordScales& scales, std::size_t group, const float* x,
                              ExponentRange range, const RowScratch& s)
{
    const auto q = static_cast<std::size_t>(w.q);
    if (w.C == 1) {
        for (std::size_t b = 0; b < q; ++b) {
            shiftColumns(scales, b, group, x, range, s.shifted + 32 * b);
            buildRowTables(s.shifted + 32 * b, s.tables + b * 4 * kByteFloats);
        }
        return;
    }
    const WordShifts shifts(scales, q, group, range);
    for (std::size_t b = 0; b < q; ++b) {
        shiftWord(scales, shifts, b, group, x, s.shifted + 32 * b);
        buildRowTables(s.shifted + 32 * b, s.tables + b * 4 * kByteFloats);
    }
}

/// Adjacent rows with adjacent words and one set of tables (or room for their scales).
struct RowRun {
    std::size_t begin, end;
    std::size_t sums;           ///< where theirs begin
    std::size_t group;          ///< of the first row
    const std::uint32_t* words; ///< word 0, plane 0
    std::size_t stride;         ///< to the next plane
};

/// The runs of one pass over the columns: as many rows as have room for their sums, and no more than a large tile.
class RowRuns
{
public:
    /// Each run's sums are padded to whole vectors of `lanes`.
    RowRuns(const LutGemmCall& call, const WordTiles& tiles, bool shared, std::size_t lanes, std::size_t firstRow)
    {
        const auto R = static_cast<std::size_t>(call.w.R);
        std::size_t used = 0;
        for (std::size_t n = firstRow; n < call.rowEnd && used < kRowTileRows && m_count < kMost;) {
            const WordTiles::Run tile = tiles.at(n);
            const std::size_t group = n / R;
            const std::size_t end = std::min(
                {call.rowEnd, n + kRowTileRows - used, tile.end, shared ? n + RowScales::kRows : (group + 1) * R});
            m_runs[m_count++] = {n, end, used, group, tile.words, tile.stride};
            used += (end - n + lanes - 1) / lanes * lanes;
            n = end;
            if (n == tile.end && n - firstRow >= kRowsOfAStream)
                break;
        }
        m_sums = used;
    }

    const RowRun* begin() const { return m_runs; }
    const RowRun* end() const { return m_runs + m_count; }
    std::size_t sums() const { return m_sums; }
    std::size_t lastRow() const { return m_runs[m_count - 1].end; }

private:
    static constexpr std::size_t kMost = 128;
    /// Tiles of so many rows pass one by one, each a single stream of memory.
    static constexpr std::size_t kRowsOfAStream = 128;
    RowRun m_runs[kMost];
    std::size_t m_count = 0, m_sums = 0;
};

/// y = sums, or y += sums.
HWY_INLINE void putSums(const float* HWY_RESTRICT sums, float* HWY_RESTRICT y, std::size_t count, bool add)
{
    const RowTag d;
    std::size_t i = 0;
    for (; i + kRowLanes <= count; i += kRowLanes) {
        const RowVector sum = hn::LoadU(d, sums + i);
        hn::StoreU(add ? hn::Add(hn::LoadU(d, y + i), sum) : sum, d, y + i);
    }
    for (; i < count; ++i)
        put(sums[i], y[i], add);
}

/// All rows of the call for one token.
inline void runRows(const LutGemmCall& call, std::size_t token, const RowScratch& s)
{
    const SignPlanes& w = call.w;
    const auto K = static_cast<std::size_t>(w.K);
    const auto q = static_cast<std::size_t>(w.q);
    const bool shared = sharesTables(w);
    const std::size_t groups = w.rowGroups();
    const std::size_t blocks = w.columnGroups();
    const WordTiles tiles(call);
    const hn::CappedTag<float, 16> d;
    float* y = call.y + static_cast<std::ptrdiff_t>(token) * call.ldy;

    for (std::size_t firstRow = call.rowBegin; firstRow < call.rowEnd;) {
        const RowRuns runs(call, tiles, shared, kRowLanes, firstRow);
        for (std::size_t blockBegin = 0; blockBegin < K; blockBegin += kBlockColumns) {
            const std::size_t columns = std::min(kBlockColumns, K - blockBegin);
            const std::size_t words = (columns + 31) / 32;
            std::copy_n(call.x + token * K + blockBegin, columns, s.x);
            std::fill(s.x + columns, s.x + 32 * words, 0.0F);
            std::fill(s.sums, s.sums + runs.sums(), 0.0F);
            for (std::size_t t = 0; t < words; ++t) {
                const std::size_t k0 = blockBegin + 32 * t;
                const float* x = s.x + 32 * t;
                const ExponentRange range = exponentRange(d, x, 32);
                const WordScales scales(w, groups, blocks, k0);
                if (shared)
                    buildRowTables(x, s.tables);
                for (const RowRun& run : runs) {
                    const std::size_t rows = run.end - run.begin;
                    const std::uint32_t* bits = run.words + k0 / 32 * q * run.stride;
                    if (!shared)
                        shiftedTables(w, scales, run.group, x, range, s);
                    for (std::size_t b = 0; b < q; ++b, bits += run.stride) {
                        RowScales rowScales;
                        if (shared) {
                            rowScales.expand(scales, b, static_cast<std::size_t>(w.R), run.begin, run.end, s.scales);
                            addRowSums<true>(bits, rows, s.tables, rowScales, s.sums + run.sums);
                        } else {
                            addRowSums<false>(bits, rows, s.tables + b * 4 * kByteFloats, rowScales, s.sums + run.sums);
                        }
                    }
                }
            }
            for (const RowRun& run : runs)
                putSums(s.sums + run.sums, y + run.begin, run.end - run.begin, blockBegin != 0);
        }
        firstRow = runs.lastRow();
    }
}

} // namespace sa::kernels::cpu::SA_LUT_NAMESPACE
SA_LUT_AFTER_NAMESPACE

#endif
