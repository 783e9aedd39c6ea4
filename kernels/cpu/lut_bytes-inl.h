// SPDX-License-Identifier: GPL-3.0-or-later
// The 14-bit product (lutGemmFast): the entries of a table are integers of 14 bits, cut into two halves of 7 that are
// looked up as bytes, a byte of each row at a time. Sums are integers until a word has passed all planes.
#if defined(SA_KERNELS_LUT_BYTES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SA_KERNELS_LUT_BYTES_INL_H
#undef SA_KERNELS_LUT_BYTES_INL_H
#else
#define SA_KERNELS_LUT_BYTES_INL_H
#endif

#include "kernels/cpu/lut_gemm_plan.h"
#include "kernels/cpu/lut_ops-inl.h"
#include "kernels/cpu/lut_rows-inl.h"

#include "hwy/cache_control.h"

#if SA_LUT_INTERLEAVES
SA_LUT_BEFORE_NAMESPACE
namespace sa::kernels::cpu::SA_LUT_NAMESPACE
{

using ByteTag = hn::ScalableTag<std::uint8_t>;
using ByteVector = hn::Vec<ByteTag>;
using HalfTag = hn::Repartition<std::uint16_t, ByteTag>;
using HalfVector = hn::Vec<HalfTag>;
using QuadTag = hn::Repartition<std::uint32_t, ByteTag>;
using QuadVector = hn::Vec<QuadTag>;
using SumTag = hn::Repartition<float, ByteTag>;

/// Rows that pass together: a byte of each fills a vector.
inline constexpr std::size_t kByteRows = hn::MaxLanes(ByteTag());
inline constexpr std::size_t kQuadLanes = kByteRows / 4;

/// Words whose entries have one unit, and whose sums are integers until all their planes have passed.
inline constexpr std::size_t kUnitWords = 2;

/// Of one plane and word: the low halves of 8 tables of 16 entries, then the high ones.
inline constexpr std::size_t kHighHalves = 8 * 16;
inline constexpr std::size_t kWordTables = 2 * kHighHalves;

/// The unit of entries, 2^exponent, as floats whose last bits count units.
struct FixedPoint {
    /// largest: of all entries, below 2^115: it gets 4095 to 8190 units. Under 2^-108 the unit stays at 2^-120.
    explicit FixedPoint(float largest)
        : exponent(
              std::max(-120, static_cast<int>((std::bit_cast<std::uint32_t>(largest) + (1U << 12)) >> 23) - 127 - 12))
    {
    }
    /// 2^(23 + exponent): a unit is its last bit.
    std::uint32_t magic() const { return static_cast<std::uint32_t>(127 + 23 + exponent) << 23; }
    /// 1.5 * 2^(23 + exponent - 2): an activation added to it is rounded to a number of quarter units, its last 16
    /// bits.
    std::uint32_t quarterMagic() const { return magic() - (2U << 23) + (1U << 22); }

    int exponent;
};

/// The largest entry: a sum of four magnitudes. shifted: [count], a multiple of 32.
HWY_INLINE float largestEntry(const float* HWY_RESTRICT shifted, std::size_t count)
{
    const SumTag d;
    auto largest = hn::Zero(d);
    for (std::size_t c = 0; c < count; c += hn::Lanes(d)) {
        const auto magnitude = hn::Abs(hn::Load(d, shifted + c));
        const auto pairs = hn::Add(magnitude, hn::Shuffle2301(magnitude));
        largest = hn::Max(largest, hn::Add(pairs, hn::Shuffle1032(pairs)));
    }
    alignas(64) float lanes[kQuadLanes];
    hn::Store(largest, d, lanes);
    return *std::max_element(lanes, lanes + kQuadLanes);
}

/// The tables of one word and plane. An entry is rounded from its quarters alike on both sides of 0, so that tables of
/// -x are those of x with the other sign. Each 128-bit block makes the table of its four columns: of 16 bits the 8
/// entries that subtract the last column, then the same with the other sign, which are the rest from the last down.
HWY_INLINE void buildByteTables(const float* HWY_RESTRICT shifted, FixedPoint unit, std::uint8_t* HWY_RESTRICT tables)
{
    alignas(16) static constexpr std::uint8_t kColumn[4][16] = {
        {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1},
        {4, 5, 4, 5, 4, 5, 4, 5, 4, 5, 4, 5, 4, 5, 4, 5},
        {8, 9, 8, 9, 8, 9, 8, 9, 8, 9, 8, 9, 8, 9, 8, 9},
        {12, 13, 12, 13, 12, 13, 12, 13, 12, 13, 12, 13, 12, 13, 12, 13}};
    alignas(16) static constexpr std::int16_t kMinus[3][8] = {
        {-1, 0, -1, 0, -1, 0, -1, 0}, {-1, -1, 0, 0, -1, -1, 0, 0}, {-1, -1, -1, -1, 0, 0, 0, 0}};
    alignas(16) static constexpr std::int16_t kMinusCount[8] = {3, 2, 2, 1, 2, 1, 1, 0}; // -v = (v xor -1) + 1
    alignas(16) static constexpr std::uint8_t kOrder[16] = {0, 2, 4, 6, 8, 10, 12, 14, 15, 13, 11, 9, 7, 5, 3, 1};
    const SumTag df;
    const ByteTag db;
    const hn::Repartition<std::int16_t, ByteTag> d;
    const auto magic = hn::Set(df, std::bit_cast<float>(unit.quarterMagic()));
    const auto order = hn::LoadDup128(db, kOrder);
    for (std::size_t c = 0; c < 32; c += hn::Lanes(df), tables += 4 * hn::Lanes(df)) {
        const auto quarters = hn::BitCast(db, hn::Add(hn::Load(df, shifted + c), magic));
        const auto column = [&](std::size_t i) {
            return hn::BitCast(d, hn::TableLookupBytes(quarters, hn::LoadDup128(db, kColumn[i])));
        };
        const auto signedColumn = [&](std::size_t i) { return hn::Xor(column(i), hn::LoadDup128(d, kMinus[i])); };
        const auto sum = hn::Add(hn::Add(signedColumn(0), signedColumn(1)),
                                 hn::Add(signedColumn(2), hn::Sub(hn::LoadDup128(d, kMinusCount), column(3))));
        const auto entry = hn::ShiftRight<2>(hn::Add(hn::Add(sum, hn::Set(d, 2)), hn::ShiftRight<15>(sum)));
        const auto minusEntry = hn::Sub(hn::Zero(d), entry);
        const auto store = [&](auto half, std::uint8_t* to) {
            const auto bytes = hn::Or(half(entry), hn::ShiftLeft<8>(half(minusEntry)));
            hn::Store(hn::TableLookupBytes(hn::BitCast(db, bytes), order), db, to);
        };
        store([&](auto e) { return hn::And(e, hn::Set(d, 127)); }, tables);
        store([&](auto e) { return hn::Add(hn::ShiftRight<7>(e), hn::Set(d, 64)); }, tables + kHighHalves);
    }
}

/// Sums of bytes, two rows in 16 bits: `all` of both modulo 2^16, `odd` of the upper one.
struct PairSums {
    HalfVector all, odd;

    HWY_INLINE PairSums()
        : all(hn::Zero(HalfTag()))
        , odd(hn::Zero(HalfTag()))
    {
    }
    HWY_INLINE void add(ByteVector two)
    {
        const HalfVector pairs = hn::BitCast(HalfTag(), two);
        all = hn::Add(all, pairs);
        odd = hn::Add(odd, hn::ShiftRight<8>(pairs));
    }
    HWY_INLINE HalfVector even() const { return hn::Sub(all, hn::ShiftLeft<8>(odd)); }
};

/// In each 128-bit block, lane j of vector i becomes lane i of vector j.
HWY_INLINE void transposeBlocks(QuadVector& v0, QuadVector& v1, QuadVector& v2, QuadVector& v3)
{
    const QuadTag d;
    const hn::Repartition<std::uint64_t, QuadTag> d64;
    const auto lower01 = hn::BitCast(d64, hn::InterleaveLower(d, v0, v1));
    const auto lower23 = hn::BitCast(d64, hn::InterleaveLower(d, v2, v3));
    const auto upper01 = hn::BitCast(d64, hn::InterleaveUpper(d, v0, v1));
    const auto upper23 = hn::BitCast(d64, hn::InterleaveUpper(d, v2, v3));
    v0 = hn::BitCast(d, hn::InterleaveLower(d64, lower01, lower23));
    v1 = hn::BitCast(d, hn::InterleaveUpper(d64, lower01, lower23));
    v2 = hn::BitCast(d, hn::InterleaveLower(d64, upper01, upper23));
    v3 = hn::BitCast(d, hn::InterleaveUpper(d64, upper01, upper23));
}

/// sums += the words and planes of one unit, for kByteRows rows. count: words times planes; stride: from each to the
/// next. The rows' sums are four vectors: lane 4p + i of vector c belongs to row kQuadLanes * i + 4p + c.
HWY_INLINE void addByteRows(const std::uint32_t* HWY_RESTRICT words, std::size_t stride, std::size_t count,
                            const std::uint8_t* HWY_RESTRICT tables, FixedPoint unit, float* HWY_RESTRICT sums)
{
    const ByteTag d;
    const HalfTag dh;
    const QuadTag dq;
    const hn::Repartition<std::uint64_t, ByteTag> d64;
    const SumTag df;
    // Bytes of four rows each, byte (p - i) mod 4 of the words in lane p of vector i: what is byte j in all rows then
    // lies in different lanes of the four vectors and blends together.
    alignas(16) static constexpr std::uint8_t kByBytes[4][16] = {
        {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15},
        {3, 7, 11, 15, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14},
        {2, 6, 10, 14, 3, 7, 11, 15, 0, 4, 8, 12, 1, 5, 9, 13},
        {1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15, 0, 4, 8, 12}};
    const ByteVector mask = hn::Set(d, 15);
    PairSums low, high;
    for (std::size_t i = 0; i < count; ++i, words += stride, tables += kWordTables) {
        const auto load = [&](std::size_t part) {
            const auto bytes = hn::BitCast(d, hn::LoadU(dq, words + part * kQuadLanes));
            return hn::BitCast(dq, hn::TableLookupBytes(bytes, hn::LoadDup128(d, kByBytes[part])));
        };
        for (std::size_t line = 0; line < kByteRows; line += 16)
            hwy::Prefetch(words + line + kPrefetchWords);
        const QuadVector v0 = load(0), v1 = load(1), v2 = load(2), v3 = load(3);
        const QuadVector v01 = hn::OddEven(v1, v0), v23 = hn::OddEven(v3, v2);
        const QuadVector v30 = hn::OddEven(v0, v3), v12 = hn::OddEven(v2, v1);
        const auto halves = [&](QuadVector lower, QuadVector upper) {
            return hn::BitCast(dq, hn::OddEven(hn::BitCast(d64, upper), hn::BitCast(d64, lower)));
        };
        const auto addByte = [&](QuadVector v, const std::uint8_t* table) {
            const auto bytes = hn::BitCast(d, v);
            const auto first = hn::And(bytes, mask);
            const auto second = hn::And(hn::BitCast(d, hn::ShiftRight<4>(hn::BitCast(dh, v))), mask);
            const auto entry = [&](std::size_t at, ByteVector index) {
                return hn::TableLookupBytes(hn::LoadDup128(d, table + at), index);
            };
            low.add(hn::Add(entry(0, first), entry(16, second)));
            high.add(hn::Add(entry(kHighHalves, first), entry(kHighHalves + 16, second)));
        };
        addByte(halves(v01, v23), tables);
        addByte(hn::Shuffle0321(halves(v30, v12)), tables + 2 * 16);
        addByte(hn::Shuffle1032(halves(v23, v01)), tables + 4 * 16);
        addByte(hn::Shuffle2103(halves(v12, v30)), tables + 6 * 16);
    }
    // 128 high + low, less the 64 that each high half is stored above its value: small integers, which are a float's
    // last bits.
    const auto magic = hn::Set(dq, unit.magic());
    const auto origin =
        hn::Set(df, std::bit_cast<float>(unit.magic() + static_cast<std::uint32_t>(8 * count * 64 * 128)));
    const auto mask16 = hn::Set(dq, 0xFFFFU);
    const auto put = [&](QuadVector h, QuadVector l, float* to) {
        const auto sum = hn::BitCast(df, hn::Add(hn::Add(hn::ShiftLeft<7>(h), l), magic));
        hn::Store(hn::Add(hn::Load(df, to), hn::Sub(sum, origin)), df, to);
    };
    const auto putPairs = [&](HalfVector h, HalfVector l, float* to) {
        const auto h32 = hn::BitCast(dq, h), l32 = hn::BitCast(dq, l);
        put(hn::And(h32, mask16), hn::And(l32, mask16), to);
        put(hn::ShiftRight<16>(h32), hn::ShiftRight<16>(l32), to + 2 * kQuadLanes);
    };
    putPairs(high.even(), low.even(), sums);
    putPairs(high.odd, low.odd, sums + kQuadLanes);
}

struct ByteScratch {
    static constexpr std::size_t kSigns = 4 * kUnitWords; ///< planes times words that have one unit, at most
    static constexpr std::size_t kFloats =
        kBlockColumns + kSigns * (32 + kWordTables / sizeof(float) + kByteRows) + kRowTileRows;

    explicit ByteScratch(float* memory)
        : x(memory)
        , shifted(x + kBlockColumns)
        , tables(reinterpret_cast<std::uint8_t*>(shifted + kSigns * 32))
        , tail(reinterpret_cast<std::uint32_t*>(tables + kSigns * kWordTables))
        , sums(shifted + kSigns * (32 + kWordTables / sizeof(float) + kByteRows))
    {
    }

    float* x;             ///< [kBlockColumns], zero past the last column
    float* shifted;       ///< [words][q][32]
    std::uint8_t* tables; ///< [words][q][kWordTables]
    std::uint32_t* tail;  ///< [words][q][kByteRows]: words of the last rows, padded
    float* sums;          ///< runs of rows, each padded to kByteRows
};

/// One word's activations shifted by the scales of a row group. out: [q][32].
HWY_INLINE void shiftWordOfAllPlanes(const SignPlanes& w, const WordScales& scales, std::size_t group, const float* x,
                                     ExponentRange range, float* HWY_RESTRICT out)
{
    const auto q = static_cast<std::size_t>(w.q);
    if (w.C == 1) {
        for (std::size_t b = 0; b < q; ++b)
            shiftColumns(scales, b, group, x, range, out + 32 * b);
        return;
    }
    const WordShifts shifts(scales, q, group, range);
    for (std::size_t b = 0; b < q; ++b)
        shiftWord(scales, shifts, b, group, x, out + 32 * b);
}

/// sums += `count` words and planes that have one unit, for a run of rows.
HWY_NOINLINE void addByteRun(const std::uint32_t* words, std::size_t stride, std::size_t rows, std::size_t count,
                             const ByteScratch& s, float* sums)
{
    const FixedPoint unit(largestEntry(s.shifted, 32 * count));
    for (std::size_t i = 0; i < count; ++i)
        buildByteTables(s.shifted + 32 * i, unit, s.tables + i * kWordTables);
    std::size_t row = 0;
    for (; row + kByteRows <= rows; row += kByteRows)
        addByteRows(words + row, stride, count, s.tables, unit, sums + row);
    if (row == rows)
        return;
    for (std::size_t i = 0; i < count; ++i)
        std::copy_n(words + i * stride + row, rows - row, s.tail + i * kByteRows);
    addByteRows(s.tail, kByteRows, count, s.tables, unit, sums + row);
}

/// Sums back in the order of their rows: y = sums, or y += sums.
HWY_INLINE void putByteSums(const float* HWY_RESTRICT sums, float* HWY_RESTRICT y, std::size_t rows, bool add)
{
    const QuadTag d;
    alignas(64) float ordered[kByteRows];
    for (std::size_t row = 0; row < rows; row += kByteRows) {
        const auto at = [&](std::size_t i) {
            return hn::Load(d, reinterpret_cast<const std::uint32_t*>(sums + row + i * kQuadLanes));
        };
        QuadVector v[4] = {at(0), at(1), at(2), at(3)};
        transposeBlocks(v[0], v[1], v[2], v[3]);
        for (std::size_t i = 0; i < 4; ++i)
            hn::Store(hn::BitCast(SumTag(), v[i]), SumTag(), ordered + i * kQuadLanes);
        putSums(ordered, y + row, std::min(kByteRows, rows - row), add);
    }
}

/// All rows of the call for one token.
inline void runBytes(const LutGemmCall& call, std::size_t token, const ByteScratch& s)
{
    const SignPlanes& w = call.w;
    const auto K = static_cast<std::size_t>(w.K);
    const auto q = static_cast<std::size_t>(w.q);
    const std::size_t groups = w.rowGroups(), blocks = w.columnGroups();
    const WordTiles tiles(call);
    const hn::CappedTag<float, 16> d;
    float* y = call.y + static_cast<std::ptrdiff_t>(token) * call.ldy;

    for (std::size_t firstRow = call.rowBegin; firstRow < call.rowEnd;) {
        const RowRuns runs(call, tiles, false, kByteRows, firstRow);
        for (std::size_t blockBegin = 0; blockBegin < K; blockBegin += kBlockColumns) {
            const std::size_t columns = std::min(kBlockColumns, K - blockBegin);
            const std::size_t words = (columns + 31) / 32;
            std::copy_n(call.x + token * K + blockBegin, columns, s.x);
            std::fill(s.x + columns, s.x + 32 * words, 0.0F);
            std::fill(s.sums, s.sums + runs.sums(), 0.0F);
            for (std::size_t first = 0; first < words; first += kUnitWords) {
                const std::size_t count = std::min(kUnitWords, words - first);
                for (const RowRun& run : runs) {
                    for (std::size_t i = 0; i < count; ++i) {
                        const float* x = s.x + 32 * (first + i);
                        const WordScales scales(w, groups, blocks, blockBegin + 32 * (first + i));
                        shiftWordOfAllPlanes(w, scales, run.group, x, exponentRange(d, x, 32), s.shifted + 32 * q * i);
                    }
                    addByteRun(run.words + (blockBegin / 32 + first) * q * run.stride, run.stride, run.end - run.begin,
                               q * count, s, s.sums + run.sums);
                }
            }
            for (const RowRun& run : runs)
                putByteSums(s.sums + run.sums, y + run.begin, run.end - run.begin, blockBegin != 0);
        }
        firstRow = runs.lastRow();
    }
}

} // namespace sa::kernels::cpu::SA_LUT_NAMESPACE
SA_LUT_AFTER_NAMESPACE
#endif

#endif
