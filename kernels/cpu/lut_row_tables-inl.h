// SPDX-License-Identifier: GPL-3.0-or-later
// Tables of one word (32 columns) that a vector of rows looks up. AVX2 takes two columns at a time from 4-entry tables
// inside 128-bit lanes (the sum of two such entries is the 16-entry table's, bit for bit), AVX-512 four columns from a
// register of 16 entries; other units take rows one by one from tables in memory.
#if defined(SA_KERNELS_LUT_ROW_TABLES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SA_KERNELS_LUT_ROW_TABLES_INL_H
#undef SA_KERNELS_LUT_ROW_TABLES_INL_H
#else
#define SA_KERNELS_LUT_ROW_TABLES_INL_H
#endif

#include "kernels/cpu/lut_ops-inl.h"

#include <cstddef>
#include <cstdint>

SA_LUT_BEFORE_NAMESPACE
namespace sa::kernels::cpu::SA_LUT_NAMESPACE
{

#if SA_LUT_ROW_UNIT == 256
using RowTag = hn::FixedTag<float, 8>;
#elif SA_LUT_ROW_UNIT == 512
using RowTag = hn::FixedTag<float, 16>;
#else
using RowTag = hn::FixedTag<float, 1>;
#endif
using RowVector = hn::Vec<RowTag>;
using WordTag = hn::RebindToUnsigned<RowTag>;
using WordVector = hn::Vec<WordTag>;
inline constexpr std::size_t kRowLanes = hn::MaxLanes(RowTag());

#if SA_LUT_ROW_UNIT == 256

/// Per byte four quads of the sums of two columns, [-a-b, a-b, b-a, a+b]: columns 01, 45, 23, 67.
inline constexpr std::size_t kByteFloats = 16;

HWY_INLINE void buildRowTables(const float* HWY_RESTRICT x, float* HWY_RESTRICT tables)
{
    const __m256 even = _mm256_castsi256_ps(_mm256_set1_epi64x(0x0000000080000000LL));
    const __m256 lower = _mm256_castsi256_ps(_mm256_set_epi64x(0, -0x7FFFFFFF80000000LL, 0, -0x7FFFFFFF80000000LL));
    for (std::size_t byte = 0; byte < 4; ++byte) {
        const __m256 v = _mm256_load_ps(x + 8 * byte);
        const auto quads = [&](__m256 a, __m256 b) {
            return _mm256_add_ps(_mm256_xor_ps(a, even), _mm256_xor_ps(b, lower));
        };
        _mm256_store_ps(tables + kByteFloats * byte, quads(_mm256_permute_ps(v, 0x00), _mm256_permute_ps(v, 0x55)));
        _mm256_store_ps(tables + kByteFloats * byte + 8, quads(_mm256_permute_ps(v, 0xAA), _mm256_permute_ps(v, 0xFF)));
    }
}

template<int kByte> class ByteTables
{
public:
    explicit HWY_INLINE ByteTables(const float* HWY_RESTRICT tables)
        : m_columns01(quad(tables, 0))
        , m_columns23(quad(tables, 2))
        , m_columns45(quad(tables, 1))
        , m_columns67(quad(tables, 3))
    {
    }

    HWY_INLINE RowVector sum(WordVector words) const
    {
        constexpr int kBit = 8 * kByte;
        const __m256 low = _mm256_add_ps(_mm256_permutevar_ps(m_columns01, _mm256_srli_epi32(words.raw, kBit)),
                                         _mm256_permutevar_ps(m_columns23, _mm256_srli_epi32(words.raw, kBit + 2)));
        const __m256 high = _mm256_add_ps(_mm256_permutevar_ps(m_columns45, _mm256_srli_epi32(words.raw, kBit + 4)),
                                          _mm256_permutevar_ps(m_columns67, _mm256_srli_epi32(words.raw, kBit + 6)));
        return RowVector{_mm256_add_ps(low, high)};
    }

private:
    static HWY_INLINE __m256 quad(const float* tables, int i)
    {
        return _mm256_broadcast_ps(reinterpret_cast<const __m128*>(tables + kByteFloats * kByte + 4 * i));
    }

    __m256 m_columns01, m_columns23, m_columns45, m_columns67;
};

#else

/// Per byte two tables of the 16 signed sums of 4 columns.
inline constexpr std::size_t kByteFloats = 32;

HWY_INLINE void buildRowTables(const float* HWY_RESTRICT x, float* HWY_RESTRICT tables)
{
    alignas(64) static constexpr std::uint32_t kMinus[4][16] = {
#define SA_M 0x80000000U
        {SA_M, 0, SA_M, 0, SA_M, 0, SA_M, 0, SA_M, 0, SA_M, 0, SA_M, 0, SA_M, 0},
        {SA_M, SA_M, 0, 0, SA_M, SA_M, 0, 0, SA_M, SA_M, 0, 0, SA_M, SA_M, 0, 0},
        {SA_M, SA_M, SA_M, SA_M, 0, 0, 0, 0, SA_M, SA_M, SA_M, SA_M, 0, 0, 0, 0},
        {SA_M, SA_M, SA_M, SA_M, SA_M, SA_M, SA_M, SA_M, 0, 0, 0, 0, 0, 0, 0, 0},
#undef SA_M
    };
    const hn::CappedTag<float, 16> d;
    const hn::RebindToUnsigned<decltype(d)> du;
    for (std::size_t j = 0; j < 8; ++j) {
        for (std::size_t i = 0; i < 16; i += hn::Lanes(d)) {
            const auto signedX = [&](std::size_t c) {
                return hn::Xor(hn::Set(d, x[4 * j + c]), hn::BitCast(d, hn::Load(du, kMinus[c] + i)));
            };
            hn::Store(hn::Add(hn::Add(signedX(0), signedX(1)), hn::Add(signedX(2), signedX(3))), d,
                      tables + 16 * j + i);
        }
    }
}

template<int kByte> class ByteTables
{
public:
    explicit HWY_INLINE ByteTables(const float* HWY_RESTRICT tables)
        : m_low(tables + kByteFloats * kByte)
    {
    }

    HWY_INLINE RowVector sum(WordVector words) const
    {
        constexpr int kBit = 8 * kByte;
#if SA_LUT_ROW_UNIT == 512
        return hn::Add(select16(m_low, hn::ShiftRight<kBit>(words)),
                       select16(m_low + 16, hn::ShiftRight<kBit + 4>(words)));
#else
        const RowTag d;
        const std::uint32_t word = hn::GetLane(words);
        return hn::Add(hn::Load(d, m_low + ((word >> kBit) & 15U)),
                       hn::Load(d, m_low + 16 + ((word >> (kBit + 4)) & 15U)));
#endif
    }

private:
    const float* m_low;
};

#endif

} // namespace sa::kernels::cpu::SA_LUT_NAMESPACE
SA_LUT_AFTER_NAMESPACE

#endif
