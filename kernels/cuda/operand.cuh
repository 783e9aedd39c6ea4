// SPDX-License-Identifier: GPL-3.0-or-later
// The operand of the one-bit product: activations shifted by the scales of a row group, as bit-planes (one_bit.h).
#pragma once

#include "kernels/cuda/bit_planes.cuh"
#include "kernels/cuda/one_bit_stream.cuh"
#include "sa/kernels/one_bit.h"

namespace sa::kernels::gpu
{

struct OperandArguments {
    const float* x; ///< [tokens][K]
    int K, q, C, scaleColumns, chunks, groups;
    const PackedScale* scales; ///< [groups][q][scaleColumns]
    std::uint32_t* operand;    ///< [tokens][groups][chunks][onebit::kOperandWords]
    long long* sums;           ///< [tokens][groups][parts][kOperandWarps]: parts of S
    int* exponents;            ///< [tokens][groups]
};

/// Chunks that are put together in shared memory before they are written.
inline constexpr int kRoundChunks = 12;
inline constexpr int kOperandRegisters = 64;
/// Words that a warp makes together; the first it asks for before it knows the exponent.
inline constexpr int kBatchWords = 4;

__device__ inline int maxOfWarp(int value)
{
#if __CUDA_ARCH__ >= 800
    return __reduce_max_sync(kAllLanes, value);
#else
    return value;
#endif
}

/// e of the token and group. Every block looks at the whole token: cheaper than a launch that would do it once.
__device__ inline int sharedExponent(const OperandArguments& p, const std::uint32_t* x, const PackedScale* scales)
{
    __shared__ int warpExponents[kOperandWarps];
    const bool vectors = p.K % 4 == 0 && reinterpret_cast<std::uintptr_t>(p.x) % 16 == 0;
    int e = onebit::kNoExponent;
    std::uint32_t largest = 0;
#pragma unroll 2
    for (int k = 8 * static_cast<int>(threadIdx.x); k < p.K; k += 8 * kOperandThreads) {
        uint4 v[2] = {};
        if (vectors) {
            v[0] = *reinterpret_cast<const uint4*>(x + k);
            if (k + 4 < p.K)
                v[1] = *reinterpret_cast<const uint4*>(x + k + 4);
        } else {
#pragma unroll
            for (int i = 0; i < 8; ++i)
                if (k + i < p.K)
                    reinterpret_cast<std::uint32_t*>(v)[i] = x[k + i];
        }
        const std::uint32_t magnitudes[] = {v[0].x & onebit::kMagnitude, v[0].y & onebit::kMagnitude,
                                            v[0].z & onebit::kMagnitude, v[0].w & onebit::kMagnitude,
                                            v[1].x & onebit::kMagnitude, v[1].y & onebit::kMagnitude,
                                            v[1].z & onebit::kMagnitude, v[1].w & onebit::kMagnitude};
        std::uint32_t most = 0;
#pragma unroll
        for (const std::uint32_t magnitude : magnitudes)
            most = max(most, magnitude);
        largest = max(largest, most);
        const auto look = [&](std::uint32_t magnitude, PackedScale scale) {
            e = max(e, onebit::exponentAbove(magnitude, scale));
        };
        if (p.C == 1) {
            for (int first = 0; first < p.q; first += 2) {
                uint4 own[2] = {}; // 8 scales of each plane; rows of scales are padded
#pragma unroll
                for (int b = 0; b < 2; ++b)
                    if (first + b < p.q)
                        own[b] = __ldg(reinterpret_cast<const uint4*>(scales + (first + b) * p.scaleColumns + k));
#pragma unroll
                for (int b = 0; b < 2; ++b) { // what is absent is 0, as a scale of 0
                    const std::uint32_t pairs[] = {own[b].x, own[b].y, own[b].z, own[b].w};
#pragma unroll
                    for (int i = 0; i < 8; ++i)
                        look(magnitudes[i], static_cast<PackedScale>(pairs[i / 2] >> (16 * (i % 2))));
                }
            }
        } else {
            const int column = scaleColumn(k, p.C); // 8 columns share a scale
            PackedScale own[4] = {};
#pragma unroll
            for (int b = 0; b < 4; ++b)
                if (b < p.q)
                    own[b] = __ldg(scales + b * p.scaleColumns + column);
#pragma unroll
            for (int b = 0; b < 4; ++b)
                look(most, own[b]); // an absent scale is 0
        }
    }
    if (largest >= 0x7F800000U)
        e = onebit::kNotFinite;
    e = maxOfWarp(e);
    if (threadIdx.x % 32 == 0)
        warpExponents[threadIdx.x / 32] = e;
    __syncthreads();
    return maxOfWarp(warpExponents[threadIdx.x % 32 % kOperandWarps]);
}

/// Fits beside a block of the product, whose successor it prepares. Grid: parts x groups x tokens. A warp makes a word
/// of 24 planes at a time.
__global__ void __maxnreg__(kOperandRegisters) operandKernel(OperandArguments p)
{
#if __CUDA_ARCH__ >= 800
    __shared__ alignas(16) std::uint32_t staged[kRoundChunks * onebit::kOperandWords];
    allowSuccessor();
    const int parts = static_cast<int>(gridDim.x), part = static_cast<int>(blockIdx.x);
    const int group = static_cast<int>(blockIdx.y), token = static_cast<int>(blockIdx.z);
    const PackedScale* scales = p.scales + static_cast<std::ptrdiff_t>(group) * p.q * p.scaleColumns;
    const int scaleLines = (p.q * p.scaleColumns * static_cast<int>(sizeof(PackedScale)) + 127) / 128;
    for (int line = static_cast<int>(threadIdx.x); line < scaleLines; line += kOperandThreads)
        touchL2(scales + line * 64); // what does not depend on the preceding kernel
    waitForPredecessor();

    const auto* x = reinterpret_cast<const std::uint32_t*>(p.x) + static_cast<std::ptrdiff_t>(token) * p.K;
    const int place = token * p.groups + group;
    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
    const int words = (p.K + 31) / 32;
    const auto begin = static_cast<int>(static_cast<long long>(p.chunks) * part / parts);
    const auto end = static_cast<int>(static_cast<long long>(p.chunks) * (part + 1) / parts);
    const auto fetch = [&](int v, std::uint32_t& value, PackedScale& scale) {
        const auto [b, word] = onebit::wordAt(v, p.q, words);
        const int k = 32 * word + lane;
        const bool inside = b < p.q && k < p.K;
        value = inside ? x[k] : 0;
        scale = inside ? __ldg(scales + b * p.scaleColumns + scaleColumn(k, p.C)) : PackedScale(0);
    };
    // Words go in batches, so that their chains of operations overlap.
    std::uint32_t values[kBatchWords];
    PackedScale valueScales[kBatchWords];
    const auto fetchBatch = [&](int firstLocal, int round, int count) {
#pragma unroll
        for (int i = 0; i < kBatchWords; ++i) {
            const int local = firstLocal + i * kOperandWarps;
            values[i] = 0;
            valueScales[i] = 0;
            if (local < count)
                fetch(round * onebit::kChunkWords + local, values[i], valueScales[i]);
        }
    };
    fetchBatch(warp, begin, min(kRoundChunks, end - begin) * onebit::kChunkWords);
    const int e = sharedExponent(p, x, scales);
    const bool any = e != onebit::kNoExponent && e != onebit::kNotFinite;

    long long sum = 0;
    for (int round = begin; round < end; round += kRoundChunks) {
        const int count = min(kRoundChunks, end - round) * onebit::kChunkWords;
        for (int first = warp; first < count; first += kBatchWords * kOperandWarps) {
            if (round != begin || first != warp)
                fetchBatch(first, round, count);
            std::uint32_t planes[kBatchWords];
            int batchSum = 0; // |Q| < 2^23: 128 of them fit
#pragma unroll
            for (int i = 0; i < kBatchWords; ++i) {
                const std::int32_t fixed = any ? onebit::fixedPoint(values[i], valueScales[i], e) : 0;
                batchSum += fixed;
                planes[i] = static_cast<std::uint32_t>(fixed);
            }
            transposeBits(planes, lane);
            sum += __reduce_add_sync(kAllLanes, batchSum);
#pragma unroll
            for (int i = 0; i < kBatchWords; ++i) {
                const int local = first + i * kOperandWarps;
                if (lane < onebit::kPlanes && local < count)
                    staged[local / onebit::kChunkWords * onebit::kOperandWords +
                           onebit::indexInOperand(lane, local % onebit::kChunkWords)] = planes[i];
            }
        }
        __syncthreads();
        auto* out = reinterpret_cast<uint4*>(p.operand + (static_cast<std::ptrdiff_t>(place) * p.chunks + round) *
                                                             onebit::kOperandWords);
        for (int i = static_cast<int>(threadIdx.x); i < count * onebit::kPlanes / 4; i += kOperandThreads)
            out[i] = reinterpret_cast<const uint4*>(staged)[i];
        if (round + kRoundChunks < end)
            __syncthreads();
    }
    if (lane == 0)
        p.sums[(static_cast<std::ptrdiff_t>(place) * parts + part) * kOperandWarps + warp] = sum;
    if (threadIdx.x == 0 && part == 0)
        p.exponents[place] = e;
#endif
}

} // namespace sa::kernels::gpu
