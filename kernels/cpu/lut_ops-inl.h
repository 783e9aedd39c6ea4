// SPDX-License-Identifier: GPL-3.0-or-later
// The vector operations that the product is written in. Normally Highway's for the unit being compiled. A test that
// counts operations defines SA_LUT_OPS and the macros below itself, and compiles the very same sources over counting
// vectors.
#if defined(SA_KERNELS_LUT_OPS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SA_KERNELS_LUT_OPS_INL_H
#undef SA_KERNELS_LUT_OPS_INL_H
#else
#define SA_KERNELS_LUT_OPS_INL_H
#endif

#ifndef SA_LUT_OPS
#include "hwy/highway.h"

#undef SA_LUT_NAMESPACE
#undef SA_LUT_BEFORE_NAMESPACE
#undef SA_LUT_AFTER_NAMESPACE
#undef SA_LUT_ROW_UNIT
#undef SA_LUT_INTERLEAVES
#define SA_LUT_NAMESPACE HWY_NAMESPACE
#define SA_LUT_BEFORE_NAMESPACE HWY_BEFORE_NAMESPACE();
#define SA_LUT_AFTER_NAMESPACE HWY_AFTER_NAMESPACE();
// How rows look up: 256 = AVX2 lanes, 512 = a register of 16 entries (select16 below), 1 = row by row from memory.
#if HWY_TARGET == HWY_AVX2
#define SA_LUT_ROW_UNIT 256
#elif HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
#define SA_LUT_ROW_UNIT 512
#else
#define SA_LUT_ROW_UNIT 1
#endif

#define SA_LUT_INTERLEAVES (HWY_TARGET != HWY_SCALAR)
HWY_BEFORE_NAMESPACE();
namespace sa::kernels::cpu::HWY_NAMESPACE
{
namespace hn = hwy::HWY_NAMESPACE;

#if SA_LUT_ROW_UNIT == 512
/// table[index & 15] in every lane; table: 16 floats, aligned.
HWY_INLINE hn::Vec<hn::FixedTag<float, 16>> select16(const float* table, hn::Vec<hn::FixedTag<std::uint32_t, 16>> index)
{
    return hn::Vec<hn::FixedTag<float, 16>>{_mm512_permutexvar_ps(index.raw, _mm512_load_ps(table))};
}
#endif
} // namespace sa::kernels::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
