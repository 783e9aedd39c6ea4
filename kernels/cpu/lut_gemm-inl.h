// SPDX-License-Identifier: GPL-3.0-or-later
// One vector unit's products: which path a batch of tokens takes, and the scratch for all.
#if defined(SA_KERNELS_LUT_GEMM_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef SA_KERNELS_LUT_GEMM_INL_H
#undef SA_KERNELS_LUT_GEMM_INL_H
#else
#define SA_KERNELS_LUT_GEMM_INL_H
#endif

#include "kernels/cpu/lut_bytes-inl.h"
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
    std::size_t floats = std::max(TokenScratch::kFloats, RowScratch::kFloats);
#if SA_LUT_INTERLEAVES
    floats = std::max(floats, ByteScratch::kFloats);
#endif
    return floats;
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

/// Groups of fewer rows than a vector has bytes would leave it half empty, and tables cost more than they serve.
inline bool takesByteTables(const SignPlanes& w)
{
#if SA_LUT_INTERLEAVES
    return static_cast<std::size_t>(w.R) >= std::max<std::size_t>(kByteRows, kMinRowsForShiftedTables);
#else
    return w.R < 0; // never
#endif
}

/// The 14-bit product, token by token; whatever it does not take goes to `run`.
inline void runFast(const LutGemmCall& call, float* scratch)
{
#if SA_LUT_INTERLEAVES
    const auto K = static_cast<std::size_t>(call.w.K);
    for (std::size_t m = 0; m < static_cast<std::size_t>(call.M); ++m) {
        if (takesByteTables(call.w) && fitsFixedPoint(call.x + m * K, K)) {
            runBytes(call, m, ByteScratch(scratch));
            continue;
        }
        LutGemmCall token = call;
        token.x += m * K;
        token.y += static_cast<std::ptrdiff_t>(m) * call.ldy;
        token.M = 1;
        run(token, scratch);
    }
#else
    run(call, scratch);
#endif
}

} // namespace sa::kernels::cpu::SA_LUT_NAMESPACE
SA_LUT_AFTER_NAMESPACE

#endif
