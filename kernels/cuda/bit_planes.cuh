// SPDX-License-Identifier: GPL-3.0-or-later
// Activations as fixed-point numbers and their bit-planes (one_bit.h), by warps.
#pragma once

#include "kernels/cuda/ptx.cuh"
#include "sa/kernels/one_bit.h"

namespace sa::kernels::gpu
{

/// For each word: bit i of the result in lane p is bit p of the value in lane i.
template<int kCount> __device__ void transposeBits(std::uint32_t (&words)[kCount], int lane)
{
    constexpr std::uint32_t kMasks[] = {0x0000FFFFU, 0x00FF00FFU, 0x0F0F0F0FU, 0x33333333U, 0x55555555U};
#pragma unroll
    for (int i = 0; i < 5; ++i) {
        const int step = 16 >> i;
        const bool low = (lane & step) == 0;
        const std::uint32_t keep = low ? kMasks[i] : ~kMasks[i];
        const int turn = low ? step : 32 - step;
#pragma unroll
        for (std::uint32_t& word : words) {
            const std::uint32_t other = __shfl_xor_sync(kAllLanes, word, step);
            word = (word & keep) | (__funnelshift_l(other, other, turn) & ~keep); // what wraps around is not kept
        }
    }
}

/// e with m < 2^e and some room for roundings; as operandKernel has it for what is 0 or not finite.
__device__ inline int exponentOf(float m)
{
    const std::uint32_t bits = __float_as_uint(m * 1.000002F);
    if (bits >= 0x7F800000U)
        return onebit::kNotFinite;
    constexpr int kLeast = -90; // 2^(23-e) stays a float, also times a norm's scale
    return m == 0.0F ? onebit::kNoExponent : max(static_cast<int>(bits >> 23) - 126, kLeast);
}

/// 2^(23-e), 0 where there is nothing to scale.
__device__ inline float fixedPointUnit(int e)
{
    const bool any = e != onebit::kNoExponent && e != onebit::kNotFinite;
    return any ? __int_as_float((onebit::kFraction - e + 127) << 23) : 0.0F;
}

} // namespace sa::kernels::gpu
