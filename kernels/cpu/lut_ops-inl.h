// SPDX-License-Identifier: GPL-3.0-or-later
// The vector operations that the product is written in. Normally Highway's for the unit being compiled; the operation
// counting test defines SA_LUT_OPS and SA_LUT_NAMESPACE itself and compiles the very same sources over counting types.
#if defined(SA_KERNELS_LUT_OPS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SA_KERNELS_LUT_OPS_INL_H
#undef SA_KERNELS_LUT_OPS_INL_H
#else
#define SA_KERNELS_LUT_OPS_INL_H
#endif

#ifndef SA_LUT_OPS
#include "hwy/cache_control.h"
#include "hwy/highway.h"

#undef SA_LUT_NAMESPACE
#undef SA_LUT_BEFORE_NAMESPACE
#undef SA_LUT_AFTER_NAMESPACE
#undef SA_LUT_ROW_UNIT
#undef SA_LUT_INTERLEAVES
#define SA_LUT_NAMESPACE HWY_NAMESPACE
#define SA_LUT_BEFORE_NAMESPACE HWY_BEFORE_NAMESPACE();
#define SA_LUT_AFTER_NAMESPACE HWY_AFTER_NAMESPACE();
#if HWY_TARGET == HWY_AVX2
#define SA_LUT_ROW_UNIT 256
#elif HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
#define SA_LUT_ROW_UNIT 512
#else
#define SA_LUT_ROW_UNIT 1
#endif

#define SA_LUT_INTERLEAVES (HWY_TARGET != HWY_SCALAR)

HWY_BEFORE_NAMESPACE();
namespace sa::kernels::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
}
HWY_AFTER_NAMESPACE();
#endif

#endif
