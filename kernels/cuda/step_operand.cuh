// SPDX-License-Identifier: GPL-3.0-or-later
// The operand of a decode step's product, made by each block for its own range: exponents of its row groups, then the
// activation planes of its chunks in shared memory.
#pragma once

#include "kernels/cuda/bit_planes.cuh"
#include "kernels/cuda/one_bit_stream.cuh"
#include "kernels/cuda/step_input.cuh"
#include "sa/kernels/one_bit.h"

namespace sa::kernels::gpu
{

struct StepProductArguments {
    const char* planes;
    const Segment* segments;
    const Range* ranges;
    const float* scales; ///< [groups][q][scaleColumns]
    const float* maxima; ///< [groups][scaleColumns]: the largest scale of the planes
    int chunks;          ///< of a tile
    int windowChunks;    ///< room for operands
    int K, q, C, scaleColumns;
    std::uint32_t reciprocal; ///< ceil(2^32 / C): k / C is the upper half of k times it, K < 2^16
    StepInput input;
    StepOutput output;
    unsigned long long* accumulators; ///< [tiles * 16], all 0
};

/// Segments that a block works on between two barriers.
struct StepWindow {
    Segment segments[kWindowSegments];
    int operandChunk[kWindowSegments + 1]; ///< where a segment's operand begins; the last: their end
    int exponents[kWindowSegments];
    float normSums[kWarps];
    std::uint32_t largest[2][kWarps];
    long long chunkSums[kStepWindowChunks]; ///< S of each chunk
};

__device__ inline int stepColumn(const StepProductArguments& p, int k)
{
    return p.C == 1 ? k : static_cast<int>(__umulhi(static_cast<std::uint32_t>(k), p.reciprocal));
}

/// The largest scale of 8 columns from k on, where they share it.
__device__ inline float sharedMaximum(const StepProductArguments& p, const float* maxima, int k)
{
    return p.C == 1 ? 0.0F : __ldg(maxima + stepColumn(p, k));
}

/// The bits of the largest |v scale| of 8 columns from k on, or `largest`. scale: sharedMaximum, asked for before.
__device__ inline std::uint32_t largestOf(const StepProductArguments& p, const float* maxima, int k, float scale,
                                          const float (&v)[8], std::uint32_t largest)
{
    if (p.C == 1) {
        float scales[8]; // rows of scales are padded to whole eights
        loadEight(maxima + k, true, scales);
#pragma unroll
        for (int i = 0; i < 8; ++i)
            largest = max(largest, __float_as_uint(v[i] * scales[i]) & onebit::kMagnitude);
    } else {
#pragma unroll
        for (const float x : v)
            largest = max(largest, __float_as_uint(x * scale) & onebit::kMagnitude);
    }
    return largest;
}

__device__ inline float squaresOf(const float (&v)[8])
{
    float sum = 0;
#pragma unroll
    for (const float x : v)
        sum += x * x;
    return sum;
}

__device__ inline void setExponents(StepWindow& window, int count, int group, int e)
{
    const int lane = static_cast<int>(threadIdx.x) % 32;
    if (lane < count && window.segments[lane].group == group)
        window.exponents[lane] = e;
}

template<StepInputKind kKind> __device__ float rmsScale(const StepProductArguments& p, float squares)
{
    return kKind == StepInputKind::Rms ? rsqrtf(squares / static_cast<float>(p.K) + p.input.epsilon) : 1.0F;
}

/// Inputs up to this length are looked at by a warp for each group: such matrices are small, and a block has many.
inline constexpr int kShortInput = 1024;

template<StepInputKind kKind>
__device__ InputNorm shortExponents(const StepProductArguments& p, StepWindow& window, int count, InputNorm norm)
{
    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
    const int lastGroup = window.segments[count - 1].group;
    for (int group = window.segments[0].group + warp, turn = 0; turn == 0 || group <= lastGroup;
         group += kWarps, ++turn) {
        const bool mine = group <= lastGroup; // others want the norm only
        const float* maxima = p.maxima + static_cast<std::ptrdiff_t>(mine ? group : lastGroup) * p.scaleColumns;
        std::uint32_t largest = 0;
        float squares = 0;
        for (int k = 8 * lane; k < p.K; k += 8 * 32) {
            float v[8], plain[8];
            const float scale = sharedMaximum(p, maxima, k);
            inputEight<kKind>(p.input, norm, k, p.K, v, plain);
            squares += kKind == StepInputKind::Rms ? squaresOf(plain) : 0.0F;
            largest = largestOf(p, maxima, k, scale, v, largest);
        }
        if (kKind == StepInputKind::Rms)
            norm.scale = rmsScale<kKind>(p, sumOfWarp(squares));
        largest = __reduce_max_sync(kAllLanes, largest);
        if (mine)
            setExponents(window, count, group,
                         exponentOf(__uint_as_float(largest) * (kKind == StepInputKind::Rms ? norm.scale : 1.0F)));
    }
    __syncthreads();
    return norm;
}

/// Exponents of the window's row groups, two at a time; every block looks at the whole input. Returns the norm, the
/// same bits in every block.
template<StepInputKind kKind>
__device__ InputNorm windowExponents(const StepProductArguments& p, StepWindow& window, int count)
{
    constexpr int kThreads = kWarps * 32;
    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
    InputNorm norm;
    if (kKind == StepInputKind::Layer) {
        norm = normOf<kKind, kWarps>(p.input, p.K, reinterpret_cast<float*>(window.chunkSums));
        __syncthreads();
    }
    if (p.K <= kShortInput)
        return shortExponents<kKind>(p, window, count, norm);
    const int lastGroup = window.segments[count - 1].group;
    for (int group = window.segments[0].group; group <= lastGroup; group += 2) {
        const bool both = group < lastGroup;
        const float* maxima = p.maxima + static_cast<std::ptrdiff_t>(group) * p.scaleColumns;
        std::uint32_t first = 0, second = 0;
        float squares = 0;
        for (int k = 8 * static_cast<int>(threadIdx.x); k < p.K; k += 8 * kThreads) {
            float v[8], plain[8];
            const float* others = maxima + (both ? p.scaleColumns : 0);
            const float scale = sharedMaximum(p, maxima, k), other = sharedMaximum(p, others, k);
            inputEight<kKind>(p.input, norm, k, p.K, v, plain);
            squares += kKind == StepInputKind::Rms ? squaresOf(plain) : 0.0F;
            first = largestOf(p, maxima, k, scale, v, first);
            second = largestOf(p, others, k, other, v, second);
        }
        squares = sumOfWarp(squares);
        first = __reduce_max_sync(kAllLanes, first);
        second = __reduce_max_sync(kAllLanes, second);
        if (lane == 0) {
            window.normSums[warp] = squares;
            window.largest[0][warp] = first;
            window.largest[1][warp] = second;
        }
        __syncthreads();
        if (kKind == StepInputKind::Rms)
            norm.scale = rmsScale<kKind>(p, sumOfWarp(lane < kWarps ? window.normSums[lane] : 0.0F));
        if (warp < 2) {
            const std::uint32_t all = __reduce_max_sync(kAllLanes, window.largest[warp][lane % kWarps]);
            setExponents(window, count, group + warp,
                         exponentOf(__uint_as_float(all) * (kKind == StepInputKind::Rms ? norm.scale : 1.0F)));
        }
        __syncthreads();
    }
    return norm;
}

/// Half of a chunk's words, one value of each for a lane: x and its scale, 0 where there is none. v: the first word's
/// place among all planes' words. Every lane loads, where there is nothing to load the last: loads that nothing decides
/// about fly together.
template<StepInputKind kKind>
__device__ void scaledWords(const StepProductArguments& p, const InputNorm& norm, const float* scales, int v, int words,
                            float (&values)[onebit::kChunkWords / 2])
{
    constexpr int kWords = onebit::kChunkWords / 2;
    const int lane = static_cast<int>(threadIdx.x) % 32;
    float own[kWords];
    int ks[kWords];
    std::uint32_t inside = 0;
#pragma unroll
    for (int i = 0; i < kWords; ++i) {
        const auto [b, word] = onebit::wordAt(v + i, p.q, words);
        const int k = 32 * word + lane;
        inside |= b < p.q && k < p.K ? 1U << i : 0U;
        ks[i] = min(k, p.K - 1);
        own[i] = __ldg(scales + min(b, p.q - 1) * p.scaleColumns + stepColumn(p, ks[i]));
    }
    inputMany<kKind>(p.input, norm, ks, values);
#pragma unroll
    for (int i = 0; i < kWords; ++i)
        values[i] = (inside >> i & 1U) != 0 ? values[i] * own[i] : 0.0F;
}

/// The same where K is a multiple of 256, so that no chunk crosses planes: all places follow from one.
template<StepInputKind kKind, int kColumns>
__device__ void scaledWordsInLine(const StepProductArguments& p, const InputNorm& norm, const float* scales, int v,
                                  int words, float (&values)[onebit::kChunkWords / 2])
{
    constexpr int kWords = onebit::kChunkWords / 2;
    const auto [b, word] = onebit::wordAt(v, p.q, words);
    const int k = 32 * word + static_cast<int>(threadIdx.x) % 32;
    const float* own = scales + b * p.scaleColumns + k / kColumns;
    float scale[kWords];
    int ks[kWords];
#pragma unroll
    for (int i = 0; i < kWords; ++i) {
        scale[i] = __ldg(own + 32 / kColumns * i);
        ks[i] = k + 32 * i;
    }
    inputMany<kKind>(p.input, norm, ks, values);
#pragma unroll
    for (int i = 0; i < kWords; ++i)
        values[i] *= scale[i];
}

/// Activation planes of the window's chunks into shared memory, a warp a chunk.
template<StepInputKind kKind>
__device__ void makeOperands(const StepProductArguments& p, StepWindow& window, int count, const InputNorm& norm,
                             char* target)
{
    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
    const int words = (p.K + 31) / 32;
    const bool inLine = p.K % (32 * onebit::kChunkWords) == 0;
    for (int c = warp; c < window.operandChunk[count]; c += kWarps) {
        int s = 0;
        while (c >= window.operandChunk[s + 1])
            ++s;
        const int e = window.exponents[s];
        const float unit = fixedPointUnit(e);
        const float factor = kKind == StepInputKind::Rms ? unit * norm.scale : unit;
        const float* scales = p.scales + static_cast<std::ptrdiff_t>(window.segments[s].group) * p.q * p.scaleColumns;
        const int v = (window.segments[s].chunkBegin + c - window.operandChunk[s]) * onebit::kChunkWords;
        std::uint32_t planes[onebit::kChunkWords];
        std::int32_t sums[2]; // |Q| < 2^23: 128 of them fit
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            constexpr int kWords = onebit::kChunkWords / 2;
            float values[kWords];
            const int first = v + half * kWords;
            if (inLine && p.C == 8)
                scaledWordsInLine<kKind, 8>(p, norm, scales, first, words, values);
            else if (inLine && p.C == 1)
                scaledWordsInLine<kKind, 1>(p, norm, scales, first, words, values);
            else
                scaledWords<kKind>(p, norm, scales, first, words, values);
            sums[half] = 0;
#pragma unroll
            for (int i = 0; i < kWords; ++i) {
                const std::int32_t fixed = __float2int_rn(values[i] * factor); // NaN gives 0
                sums[half] += fixed;
                planes[half * kWords + i] = static_cast<std::uint32_t>(fixed);
            }
        }
        const long long sum =
            static_cast<long long>(__reduce_add_sync(kAllLanes, sums[0])) + __reduce_add_sync(kAllLanes, sums[1]);
        transposeBits(planes, lane);
        if (lane < onebit::kPlanes) { // as onebit::indexInOperand
            auto* out = reinterpret_cast<uint4*>(target + c * kOperandBytes) + 2 * lane;
            out[0] = {planes[0], planes[4], planes[1], planes[5]};
            out[1] = {planes[2], planes[6], planes[3], planes[7]};
        }
        if (lane == 0)
            window.chunkSums[c] = sum;
    }
}

} // namespace sa::kernels::gpu
