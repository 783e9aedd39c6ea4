// SPDX-License-Identifier: GPL-3.0-or-later
// Shifts of activation vectors, and scales as floats for the shared tables. Compiled once per vector unit.
#if defined(SA_KERNELS_LUT_SHIFT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SA_KERNELS_LUT_SHIFT_INL_H
#undef SA_KERNELS_LUT_SHIFT_INL_H
#else
#define SA_KERNELS_LUT_SHIFT_INL_H
#endif

#include "kernels/cpu/lut_gemm_plan.h"
#include "kernels/cpu/lut_ops-inl.h"

SA_LUT_BEFORE_NAMESPACE
namespace sa::kernels::cpu::SA_LUT_NAMESPACE
{

/// alpha * x by exponent adds, for x that is zero or ordinary (see ordinaryShift); kTerms = s.terms.
template<int kTerms, class D, class V = hn::Vec<D>> HWY_INLINE V shiftVector(D d, V x, const ShiftScale& s)
{
    const hn::RebindToUnsigned<D> du;
    const auto bits = hn::BitCast(du, x);
    auto sum = hn::BitCast(d, hn::Add(bits, hn::Set(du, s.addend[0])));
    if constexpr (kTerms > 1)
        sum = hn::Add(sum, hn::BitCast(d, hn::Add(bits, hn::Set(du, s.addend[1]))));
    if constexpr (kTerms > 2)
        sum = hn::Add(sum, hn::BitCast(d, hn::Add(bits, hn::Set(du, s.addend[2]))));
    return hn::IfThenZeroElse(hn::Eq(x, hn::Zero(d)), sum); // an exponent add would make 0 a number
}

/// Exponent range of `count` floats, a multiple of the vector, aligned.
template<class D> HWY_INLINE ExponentRange exponentRange(D d, const float* x, std::size_t count)
{
    const hn::RebindToSigned<D> di;
    const auto magnitudeMask = hn::Set(di, 0x7FFFFFFF);
    auto highest = hn::Zero(di);
    auto lowest = magnitudeMask;
    for (std::size_t i = 0; i < count; i += hn::Lanes(d)) {
        const auto magnitude = hn::And(hn::BitCast(di, hn::Load(d, x + i)), magnitudeMask);
        highest = hn::Max(highest, magnitude);
        lowest = hn::Min(lowest, hn::IfThenElse(hn::Eq(magnitude, hn::Zero(di)), magnitudeMask, magnitude));
    }
    alignas(64) std::int32_t high[hn::MaxLanes(d)];
    alignas(64) std::int32_t low[hn::MaxLanes(d)];
    hn::Store(highest, di, high);
    hn::Store(lowest, di, low);
    for (std::size_t i = 1; i < hn::Lanes(d); ++i) { // as loops, which the compiler makes vectors of
        low[0] = std::min(low[0], low[i]);
        high[0] = std::max(high[0], high[i]);
    }
    return {low[0] >> 23, high[0] >> 23};
}

/// alpha as float, rounded once. Branch-free integers, so that the loop over scales is vectorised by the compiler.
HWY_INLINE float scaleAsFloat(PackedScale scale)
{
    const std::uint32_t word = scale;
    const std::uint32_t gap2 = (word >> 5) & 15U;
    const std::uint32_t gap3 = word & 15U;
    const std::uint32_t first = ((word >> 10) + 127U - kScaleExponentBias) << 23;
    const std::uint32_t second = first - (gap2 << 23);
    const std::uint32_t third = second - (gap3 << 23);
    const auto onlyIf = [](std::uint32_t condition) { return 0U - static_cast<std::uint32_t>(condition != 0); };
    const std::uint32_t bits1 = first & onlyIf(word);
    const std::uint32_t bits2 = (second | ((word >> 9) & 1U) << 31) & onlyIf(gap2);
    const std::uint32_t bits3 = (third | ((word >> 4) & 1U) << 31) & onlyIf(gap3);
    return (std::bit_cast<float>(bits1) + std::bit_cast<float>(bits2)) + std::bit_cast<float>(bits3);
}

/// The scales of rows [begin, end) from those of the row groups, one float per row, and whatever up to a vector
/// further.
HWY_INLINE void expandScales(const PackedScale* HWY_RESTRICT scales, std::size_t R, std::size_t begin, std::size_t end,
                             float* HWY_RESTRICT out, float* HWY_RESTRICT perGroup)
{
    const hn::CappedTag<float, 16> d;
    const std::size_t firstGroup = begin / R;
    const std::size_t groups = (end - 1) / R + 1 - firstGroup;
    float* alphas = R == 1 ? out : perGroup;
    for (std::size_t g = 0; g < groups; ++g)
        alphas[g] = scaleAsFloat(scales[firstGroup + g]);
    if (R == 1)
        return;
    for (std::size_t g = 0; g < groups; ++g) { // ascending: what runs over is written again
        const std::size_t from = g == 0 ? 0 : (firstGroup + g) * R - begin;
        const std::size_t to = std::min(end, (firstGroup + g + 1) * R) - begin;
        const auto alpha = hn::Set(d, alphas[g]);
        for (std::size_t n = from; n < to; n += hn::Lanes(d))
            hn::StoreU(alpha, d, out + n);
    }
}

/// The scales of one word and plane per byte and row. Bytes of one block share their floats, and a block that is still
/// there from the word before is not expanded again.
class RowScales
{
public:
    static constexpr std::size_t kRows = 128;
    static constexpr std::size_t kFloats =
        5 * (kRows + 16); ///< four bytes' rows and the groups', each with room to run over

    void expand(const WordScales& scales, std::size_t b, std::size_t R, std::size_t begin, std::size_t end,
                float* memory)
    {
        for (std::size_t byte = 0; byte < 4; ++byte) {
            const PackedScale* block = scales.row(8 * byte, b);
            if (byte > 0 && block == scales.row(8 * byte - 8, b)) {
                m_bytes[byte] = m_bytes[byte - 1];
                continue;
            }
            float* out = memory + byte * (kRows + 16);
            m_bytes[byte] = out;
            if (block == m_held[byte])
                continue;
            m_held[byte] = block;
            expandScales(block, R, begin, end, out, memory + 4 * (kRows + 16));
        }
    }

    const float* operator[](std::size_t byte) const { return m_bytes[byte]; }

private:
    const float* m_bytes[4] = {};
    const PackedScale* m_held[4] = {};
};

} // namespace sa::kernels::cpu::SA_LUT_NAMESPACE
SA_LUT_AFTER_NAMESPACE

#endif
