// SPDX-License-Identifier: GPL-3.0-or-later
// One vector unit's product: which path a batch of tokens takes, and the scratch for both.
#if defined(SA_KERNELS_LUT_GEMM_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SA_KERNELS_LUT_GEMM_INL_H
#undef SA_KERNELS_LUT_GEMM_INL_H
#else
#define SA_KERNELS_LUT_GEMM_INL_H
#endif

#include "kernels/cpu/lut_gemm_plan.h"
#include "kernels/cpu/lut_ops-inl.h"
#include "kernels/cpu/lut_rows-inl.h"
#include "kernels/cpu/lut_tokens-inl.h"

SA_LUT_BEFORE_NAMESPACE
namespace sa::kernels::cpu::SA_LUT_NAMESPACE
{

/// Fewer tokens than this, and a mostly empty token vector costs more than taking them one by one (AVX2: break-even at
/// 3 for R = 32 and at 5 for R = 512).
inline constexpr std::size_t kMinTokens = std::max<std::size_t>(2, hn::MaxLanes(TokenTag()) / 2);

inline std::size_t scratchFloats()
{
    return std::max(TokenScratch::kFloats, RowScratch::kFloats);
}

/// `scratch`: scratchFloats() floats, aligned to 64 bytes. Both paths add in the same order, so the cut of the batch is
/// free.
inline void run(const LutGemmCall& call, float* scratch)
{
    constexpr std::size_t kLanes = hn::MaxLanes(TokenTag());
    const auto M = static_cast<std::size_t>(call.M);
    for (std::size_t m = 0; m < M;) {
        const std::size_t left = M - m;
        std::size_t count = 1;
        if (left > kLanes)
            runTokens<2>(call, m, count = std::min(left, 2 * kLanes), TokenScratch(scratch));
        else if (left >= kMinTokens)
            runTokens<1>(call, m, count = left, TokenScratch(scratch));
        else
            runRows(call, m, RowScratch(scratch));
        m += count;
    }
}

} // namespace sa::kernels::cpu::SA_LUT_NAMESPACE
SA_LUT_AFTER_NAMESPACE

#endif
