// SPDX-License-Identifier: GPL-3.0-or-later
// Token-major <-> column-major copies around the many-token path.
#if defined(SA_KERNELS_LUT_TRANSPOSE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SA_KERNELS_LUT_TRANSPOSE_INL_H
#undef SA_KERNELS_LUT_TRANSPOSE_INL_H
#else
#define SA_KERNELS_LUT_TRANSPOSE_INL_H
#endif

#include "kernels/cpu/lut_ops-inl.h"

#include <cstddef>

SA_LUT_BEFORE_NAMESPACE
namespace sa::kernels::cpu::SA_LUT_NAMESPACE
{

/// target = value, or target += value, through the unit's own addition.
HWY_INLINE void put(float value, float& target, bool add)
{
    const hn::CappedTag<float, 1> d;
    hn::Store(add ? hn::Add(hn::Load(d, &target), hn::Load(d, &value)) : hn::Load(d, &value), d, &target);
}

#if SA_LUT_INTERLEAVES
/// A 4 x 4 square of `transpose`.
HWY_INLINE void transpose4(const float* HWY_RESTRICT in, std::size_t inStride, float* HWY_RESTRICT out,
                           std::size_t outStride, bool add)
{
    const hn::FixedTag<float, 4> d;
    const auto r0 = hn::LoadU(d, in);
    const auto r1 = hn::LoadU(d, in + inStride);
    const auto r2 = hn::LoadU(d, in + 2 * inStride);
    const auto r3 = hn::LoadU(d, in + 3 * inStride);
    const auto lower01 = hn::InterleaveLower(d, r0, r1);
    const auto lower23 = hn::InterleaveLower(d, r2, r3);
    const auto upper01 = hn::InterleaveUpper(d, r0, r1);
    const auto upper23 = hn::InterleaveUpper(d, r2, r3);
    const auto store = [&](auto column, float* target) {
        hn::StoreU(add ? hn::Add(hn::LoadU(d, target), column) : column, d, target);
    };
    store(hn::ConcatLowerLower(d, lower23, lower01), out);
    store(hn::ConcatUpperUpper(d, lower23, lower01), out + outStride);
    store(hn::ConcatLowerLower(d, upper23, upper01), out + 2 * outStride);
    store(hn::ConcatUpperUpper(d, upper23, upper01), out + 3 * outStride);
}
#endif

/// out[c][r] = in[r][c], or += where `add`.
inline void transpose(const float* HWY_RESTRICT in, std::size_t inStride, std::size_t rows, std::size_t columns,
                      float* HWY_RESTRICT out, std::size_t outStride, bool add)
{
    std::size_t square = 0; // rows and columns below these are done in squares
    std::size_t squareRows = 0;
#if SA_LUT_INTERLEAVES
    square = columns / 4 * 4;
    squareRows = rows / 4 * 4;
    for (std::size_t c = 0; c < square; c += 4)
        for (std::size_t r = 0; r < squareRows; r += 4)
            transpose4(in + r * inStride + c, inStride, out + c * outStride + r, outStride, add);
#endif
    for (std::size_t c = 0; c < columns; ++c)
        for (std::size_t r = c < square ? squareRows : 0; r < rows; ++r)
            put(in[r * inStride + c], out[c * outStride + r], add);
}

} // namespace sa::kernels::cpu::SA_LUT_NAMESPACE
SA_LUT_AFTER_NAMESPACE

#endif
