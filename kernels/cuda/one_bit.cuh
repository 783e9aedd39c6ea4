// SPDX-License-Identifier: GPL-3.0-or-later
// The one-bit product. The tiles of the planes stream through a ring in shared memory that every warp keeps for itself,
// straight into the operand registers of the tensor core; the activation planes of the block's row groups lie beside
// it. A warp works through a contiguous range of chunks; what it has of a tile is joined with what others have by one
// integer addition in memory, which also tells who is the last.
#pragma once

#include "kernels/cuda/one_bit_stream.cuh"
#include "sa/kernels/one_bit.h"

namespace sa::kernels::gpu
{

struct OneBitArguments {
    const char* planes;
    const Segment* segments;
    const Range* ranges;
    int chunks;       ///< of a tile
    int windowChunks; ///< room for operands
    int prefetchBytes;
    const char* operand; ///< as operandKernel writes
    const long long* sums;
    const int* exponents;
    int groups, operandParts; ///< parts: of each sum
    const float* bias;        ///< [N] or null
    float* y;                 ///< [tokens][ldy]
    std::ptrdiff_t ldy;
    int tokens;
    unsigned long long* accumulators; ///< [tiles * 16][kTokens], all 0
};

/// Segments that a block works on between two barriers, and what their groups need in the end.
template<int kTokens> struct Window {
    Segment segments[kWindowSegments];
    int operandChunk[kWindowSegments]; ///< where a segment's operand begins
    long long sums[kWindowSegments][kTokens];
    int exponents[kWindowSegments][kTokens];
};

/// The sums of `count` chunks of one tile: folded over the planes, joined with those of other warps, written if last.
template<int kTokens>
__device__ void finishTile(const OneBitArguments& p, const Window<kTokens>& window, int segmentIndex, int tile,
                           int count, const std::int32_t (&counts)[kTokens][3][4], int lane)
{
    const Segment& segment = window.segments[segmentIndex];
    const int t = lane % 4, row = lane / 4;
#pragma unroll
    for (int pair = 0; pair < (kTokens + 1) / 2; ++pair) {
        // Lane t of a row's four keeps token 2 pair + t / 2 and the lower or upper half of the tile, t % 2.
        long long mine = 0;
#pragma unroll
        for (int i = 0; i < 2 && 2 * pair + i < kTokens; ++i)
            foldPlanes(counts[2 * pair + i], i, mine);
        const int token = 2 * pair + t / 2;
        const int tileRow = tile * onebit::kTileRows + row + 8 * (t % 2);
        if (token >= p.tokens || token >= kTokens || tileRow >= segment.rows)
            continue;
        unsigned long long* place =
            p.accumulators + (static_cast<std::ptrdiff_t>(segment.tileBegin) * onebit::kTileRows + tileRow) * kTokens +
            token;
        if (count != p.chunks && !joinSums(place, count, p.chunks, mine))
            continue;
        const int out = segment.rowBegin + tileRow;
        const int e = window.exponents[segmentIndex][token];
        const float c = p.bias == nullptr ? 0.0F : p.bias[out];
        float y = onebit::scaledResult(2 * mine - window.sums[segmentIndex][token], e, c);
        if (e == onebit::kNoExponent)
            y = c;
        if (e == onebit::kNotFinite)
            y = __int_as_float(0x7FC00000);
        p.y[token * p.ldy + out] = y;
    }
}

/// The operands of the window's segments into shared memory, tokens side by side; sums and exponents of their groups.
template<int kTokens>
__device__ void loadOperands(const OneBitArguments& p, Window<kTokens>& window, int segments, char* target)
{
    constexpr int kCopyWarps = kWarps - 4; // the others see to the sums
    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
    if (warp >= kCopyWarps) {
        for (int i = warp - kCopyWarps; i < segments * kTokens; i += kWarps - kCopyWarps) {
            const int s = i / kTokens, token = min(i % kTokens, p.tokens - 1);
            const long long place = static_cast<long long>(token) * p.groups + window.segments[s].group;
            long long sum = 0;
            for (int part = lane; part < p.operandParts; part += 32)
                sum += __ldcg(p.sums + place * p.operandParts + part);
#pragma unroll
            for (int step = 16; step > 0; step /= 2)
                sum += __shfl_xor_sync(kAllLanes, sum, step);
            if (lane == 0) {
                window.sums[s][i % kTokens] = sum;
                window.exponents[s][i % kTokens] = __ldcg(p.exponents + place);
            }
        }
        return;
    }
    constexpr int kVectors = kOperandBytes / 16;
    for (int s = 0; s < segments; ++s) {
        const Segment& segment = window.segments[s];
#pragma unroll
        for (int token = 0; token < kTokens; ++token) {
            const long long place = static_cast<long long>(min(token, p.tokens - 1)) * p.groups + segment.group;
            const auto* source =
                reinterpret_cast<const uint4*>(p.operand + (place * p.chunks + segment.chunkBegin) * kOperandBytes);
            auto* out = reinterpret_cast<uint4*>(target + window.operandChunk[s] * kTokens * kOperandBytes);
            const int vectors = segment.chunks * kVectors;
#pragma unroll 8
            for (int i = static_cast<int>(threadIdx.x); i < vectors; i += kCopyWarps * 32) {
                const int chunk = i / kVectors;
                out[i + chunk * (kTokens - 1) * kVectors + token * kVectors] = __ldcg(source + i);
            }
        }
    }
}

template<int kTokens, int kStageCount> __global__ void __launch_bounds__(kWarps * 32, 1) oneBitKernel(OneBitArguments p)
{
#if __CUDA_ARCH__ >= 800
    extern __shared__ __align__(128) char shared[];
    __shared__ Window<kTokens> window;
    __shared__ Range range;
    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
    constexpr int kRangeWords = sizeof(Range) / 4;
    if (threadIdx.x < kRangeWords)
        reinterpret_cast<int*>(&range)[threadIdx.x] =
            __ldg(reinterpret_cast<const int*>(p.ranges + blockIdx.x) + threadIdx.x);
    allowSuccessor();
    __syncthreads();

    char* const operands = shared + ringBytes(kStageCount);
    const std::uint32_t ring = sharedAddress(shared) + (warp * kStageCount * 32 + lane) * 16;
    const std::uint64_t policy = evictFirst();

    for (int first = range.segmentBegin; first < range.segmentEnd;) {
        // As many segments as there is room for.
        int count = 0;
        {
            int chunks = 0;
            while (first + count < range.segmentEnd && count < kWindowSegments) {
                const int index = first + count;
                const int own = index - range.segmentBegin < 2 ? range.head[index - range.segmentBegin].chunks
                                                               : __ldg(&p.segments[index].chunks);
                if (chunks + own > p.windowChunks && count > 0)
                    break;
                if (threadIdx.x == 0)
                    window.operandChunk[count] = chunks;
                if (threadIdx.x < sizeof(Segment) / 4) {
                    const auto* words = index - range.segmentBegin < 2
                                            ? reinterpret_cast<const int*>(&range.head[index - range.segmentBegin])
                                            : reinterpret_cast<const int*>(p.segments + index);
                    reinterpret_cast<int*>(&window.segments[count])[threadIdx.x] = words[threadIdx.x];
                }
                chunks += own;
                ++count;
            }
        }
        __syncthreads();
        const Segment& last = window.segments[count - 1];
        const int begin = max(range.unitBegin, window.segments[0].unitBegin);
        const int end = min(range.unitEnd, last.unitBegin + last.tiles * last.chunks);
        const int from = begin + static_cast<int>(static_cast<long long>(end - begin) * warp / kWarps);
        int left = begin + static_cast<int>(static_cast<long long>(end - begin) * (warp + 1) / kWarps) - from;

        // The planes do not depend on what the preceding kernel writes.
        SourceCursor source(p.planes, p.chunks, window.segments, min(from, end - 1));
        int toLoad = left;
        if (lane == 0 && left > kStageCount && p.prefetchBytes > 0)
            prefetchL2(source.source(), min(min(source.left(), left) * kChunkBytes, p.prefetchBytes));
#pragma unroll
        for (int stage = 0; stage < kStageCount; ++stage) {
            if (toLoad > 0) {
                copyAsync(ring + stage * kChunkBytes, source.source() + lane * 16, policy);
                if (--toLoad > 0)
                    source.advance();
            }
            copyCommit();
        }
        if (first == range.segmentBegin)
            waitForPredecessor();
        loadOperands<kTokens>(p, window, count, operands);
        __syncthreads();

        int segmentIndex = 0;
        while (from >= window.segments[segmentIndex].unitBegin +
                           window.segments[segmentIndex].tiles * window.segments[segmentIndex].chunks &&
               segmentIndex + 1 < count)
            ++segmentIndex;
        int tile = (from - window.segments[segmentIndex].unitBegin) / window.segments[segmentIndex].chunks;
        int chunk = (from - window.segments[segmentIndex].unitBegin) - tile * window.segments[segmentIndex].chunks;
        int slot = 0;
        while (left > 0) {
            const int here = min(left, window.segments[segmentIndex].chunks - chunk);
            const char* operand =
                operands + (window.operandChunk[segmentIndex] + chunk) * kTokens * kOperandBytes + lane * 8;
            std::int32_t counts[kTokens][3][4] = {};
            for (int i = 0; i < here; ++i) {
                copyWait<kStageCount - 1>();
                const uint4 a =
                    *reinterpret_cast<const uint4*>(shared + ((warp * kStageCount + slot) * 32 + lane) * 16);
#pragma unroll
                for (int token = 0; token < kTokens; ++token)
#pragma unroll
                    for (int j = 0; j < 3; ++j)
                        countCommonBits(counts[token][j], a,
                                        *reinterpret_cast<const uint2*>(operand + (token * 3 + j) * 256));
                operand += kTokens * kOperandBytes;
                if (toLoad > 0) {
                    copyAsync(ring + slot * kChunkBytes, source.source() + lane * 16, policy);
                    if (--toLoad > 0)
                        source.advance();
                }
                copyCommit();
                slot = slot + 1 == kStageCount ? 0 : slot + 1;
            }
            finishTile<kTokens>(p, window, segmentIndex, tile, here, counts, lane);
            __syncwarp(); // lanes part ways there, and the tensor core wants all of them
            left -= here;
            chunk = 0;
            if (++tile == window.segments[segmentIndex].tiles) {
                tile = 0;
                ++segmentIndex;
            }
        }
        first += count;
        if (first < range.segmentEnd)
            __syncthreads();
    }
#endif
}

} // namespace sa::kernels::gpu
