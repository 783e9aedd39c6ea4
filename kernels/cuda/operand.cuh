// SPDX-License-Identifier: GPL-3.0-or-later
// The operand of the one-bit product: activations shifted by the scales of a row group, as bit-planes (one_bit.h).
#pragma once

#include "kernels/cuda/ptx.cuh"
#include "sa/kernels/one_bit.h"

namespace sa::kernels::gpu
{

struct OperandArguments {
    const float* x; ///< [tokens][K]
    int K, q, C, columnGroups, chunks, groups;
    const PackedScale* scales; ///< [groups][q][columnGroups]
    std::uint32_t* operand;    ///< [tokens][groups][chunks][onebit::kOperandWords]
    long long* sums;           ///< [tokens][groups][parts]: parts of S
    int* exponents;            ///< [tokens][groups]
};

inline constexpr int kOperandThreads = 256;

/// Bit i of the result in lane p is bit p of the value in lane i.
__device__ inline std::uint32_t transposeBits(std::uint32_t value, int lane)
{
    constexpr std::uint32_t kMasks[] = {0x0000FFFFU, 0x00FF00FFU, 0x0F0F0F0FU, 0x33333333U, 0x55555555U};
#pragma unroll
    for (int i = 0; i < 5; ++i) {
        const int step = 16 >> i;
        const std::uint32_t other = __shfl_xor_sync(kAllLanes, value, step);
        value = (lane & step) == 0 ? (value & kMasks[i]) | ((other & kMasks[i]) << step)
                                   : (value & ~kMasks[i]) | ((other & ~kMasks[i]) >> step);
    }
    return value;
}

/// e of the token and group. Every block looks at the whole token: cheaper than a launch that would do it once.
__device__ inline int sharedExponent(const OperandArguments& p, const std::uint32_t* x, const PackedScale* scales)
{
    __shared__ int warpExponents[kOperandThreads / 32];
    int e = onebit::kNoExponent;
    const auto look = [&](std::uint32_t magnitude, int column) {
        for (int b = 0; b < p.q; ++b) {
            const PackedScale scale = __ldg(scales + b * p.columnGroups + column);
            if (onebit::exponentBound(magnitude, scale) > e)
                e = max(e, onebit::exponentAbove(magnitude, scale));
        }
    };
    bool finite = true;
    for (int k = 8 * static_cast<int>(threadIdx.x); k < p.K; k += 8 * kOperandThreads) {
        std::uint32_t magnitudes[8];
        std::uint32_t most = 0;
#pragma unroll
        for (int i = 0; i < 8; ++i) {
            magnitudes[i] = k + i < p.K ? x[k + i] & onebit::kMagnitude : 0;
            most = max(most, magnitudes[i]);
        }
        finite = finite && most < 0x7F800000U;
        if (p.C == 1) {
#pragma unroll
            for (int i = 0; i < 8; ++i)
                if (magnitudes[i] != 0)
                    look(magnitudes[i], k + i);
        } else if (most != 0) {
            look(most, k / p.C); // 8 columns share a scale
        }
    }
    if (!finite)
        e = onebit::kNotFinite;
    e = __reduce_max_sync(kAllLanes, e);
    if (threadIdx.x % 32 == 0)
        warpExponents[threadIdx.x / 32] = e;
    __syncthreads();
#pragma unroll
    for (int exponent : warpExponents)
        e = max(e, exponent);
    return e;
}

/// Grid: parts x groups x tokens. A warp makes a chunk at a time: 8 words of 24 planes.
__global__ void __launch_bounds__(kOperandThreads, 2) operandKernel(OperandArguments p)
{
#if __CUDA_ARCH__ >= 800
    __shared__ long long warpSums[kOperandThreads / 32];
    allowSuccessor();
    waitForPredecessor();
    const int parts = static_cast<int>(gridDim.x), part = static_cast<int>(blockIdx.x);
    const int group = static_cast<int>(blockIdx.y), token = static_cast<int>(blockIdx.z);
    const auto* x = reinterpret_cast<const std::uint32_t*>(p.x) + static_cast<std::ptrdiff_t>(token) * p.K;
    const PackedScale* scales = p.scales + static_cast<std::ptrdiff_t>(group) * p.q * p.columnGroups;
    const int place = token * p.groups + group;
    const int e = sharedExponent(p, x, scales);
    const bool any = e != onebit::kNoExponent && e != onebit::kNotFinite;

    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
    const int words = (p.K + 31) / 32;
    const auto begin = static_cast<int>(static_cast<long long>(p.chunks) * part / parts);
    const auto end = static_cast<int>(static_cast<long long>(p.chunks) * (part + 1) / parts);
    long long sum = 0;
    for (int chunk = begin + warp; chunk < end; chunk += kOperandThreads / 32) {
        std::uint32_t planes[onebit::kChunkWords];
#pragma unroll
        for (int i = 0; i < onebit::kChunkWords; ++i) {
            const int v = chunk * onebit::kChunkWords + i;
            const int b = v / words, k = 32 * (v - b * words) + lane;
            std::int32_t value = 0;
            if (any && b < p.q && k < p.K)
                value = onebit::fixedPoint(x[k], __ldg(scales + b * p.columnGroups + k / p.C), e);
            sum += value;
            planes[i] = transposeBits(static_cast<std::uint32_t>(value), lane);
        }
        if (lane < onebit::kPlanes) { // indexInOperand
            auto* out = reinterpret_cast<uint4*>(
                p.operand + (static_cast<std::ptrdiff_t>(place) * p.chunks + chunk) * onebit::kOperandWords +
                lane * onebit::kChunkWords);
            out[0] = make_uint4(planes[0], planes[4], planes[1], planes[5]);
            out[1] = make_uint4(planes[2], planes[6], planes[3], planes[7]);
        }
    }
#pragma unroll
    for (int step = 16; step > 0; step /= 2)
        sum += __shfl_xor_sync(kAllLanes, sum, step);
    if (lane == 0)
        warpSums[warp] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
        long long total = 0;
        for (const long long warpSum : warpSums)
            total += warpSum;
        p.sums[static_cast<std::ptrdiff_t>(place) * parts + part] = total;
        if (part == 0)
            p.exponents[place] = e;
    }
#endif
}

} // namespace sa::kernels::gpu
