// SPDX-License-Identifier: GPL-3.0-or-later
// The one-bit product of a decode step. Each block makes the activation planes that its range needs by itself, from
// what the preceding kernel left, while the first of its weights are on their way; small cuts of K keep that short.
#pragma once

#include "kernels/cuda/step_operand.cuh"

namespace sa::kernels::gpu
{

/// The sums of chunks [chunk, chunk + count) of a segment's tile: joined with those of other warps, written if last.
__device__ inline void finishStepTile(const StepProductArguments& p, const StepWindow& window, int segmentIndex,
                                      int tile, int chunk, int count, const std::int32_t (&counts)[3][4], int lane)
{
    const Segment& segment = window.segments[segmentIndex];
    long long inputs = 0; // S of these chunks: what is joined is 2 P - S
    for (int i = lane; i < count; i += 32)
        inputs += window.chunkSums[window.operandChunk[segmentIndex] + chunk + i];
#pragma unroll
    for (int step = 16; step > 0; step /= 2)
        inputs += __shfl_xor_sync(kAllLanes, inputs, step);
    long long sum = 0;
    foldPlanes(counts, 0, sum);
    const int t = lane % 4, tileRow = tile * onebit::kTileRows + lane / 4 + 8 * (t % 2);
    if (t >= 2 || tileRow >= segment.rows)
        return;
    sum = 2 * sum - inputs;
    unsigned long long* place =
        p.accumulators + static_cast<std::ptrdiff_t>(segment.tileBegin) * onebit::kTileRows + tileRow;
    if (count != p.chunks && !joinSums(place, count, p.chunks, sum))
        return;
    const int out = segment.rowBegin + tileRow;
    const int e = window.exponents[segmentIndex];
    const float c = p.output.bias == nullptr ? 0.0F : __ldg(p.output.bias + out);
    float y = onebit::scaledResult(sum, e, c);
    if (e == onebit::kNoExponent)
        y = c;
    if (e == onebit::kNotFinite)
        y = __int_as_float(0x7FC00000);
    if (p.output.residual != nullptr)
        y += __ldcg(p.output.residual + out);
    p.output.y[out] = y;
}

/// Loads what nobody waits for, so that it is near when it is read: constants that the stream of weights drove out.
__device__ inline void bringNear(const float* from, int count)
{
    constexpr int kLine = 32;
    for (int i = kLine * static_cast<int>(threadIdx.x); i < count; i += kLine * kWarps * 32) {
        [[maybe_unused]] float ignored;
        asm volatile("ld.global.nc.f32 %0, [%1];" : "=f"(ignored) : "l"(from + i));
    }
}

template<StepInputKind kKind, int kStageCount>
__global__ void __launch_bounds__(kWarps * 32, kStepBlocks)
    stepProductKernel(const __grid_constant__ StepProductArguments p)
{
#if __CUDA_ARCH__ >= 800
    extern __shared__ __align__(128) char shared[];
    __shared__ StepWindow window;
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
        int count = 0, room = 0;
        while (first + count < range.segmentEnd && count < kWindowSegments) {
            const int index = first + count;
            const bool atHand = index - range.segmentBegin < 2;
            const int own = atHand ? range.head[index - range.segmentBegin].chunks : __ldg(&p.segments[index].chunks);
            if (room + own > p.windowChunks && count > 0)
                break;
            if (threadIdx.x < sizeof(Segment) / 4) {
                const auto* words = atHand ? reinterpret_cast<const int*>(&range.head[index - range.segmentBegin])
                                           : reinterpret_cast<const int*>(p.segments + index);
                reinterpret_cast<int*>(&window.segments[count])[threadIdx.x] = words[threadIdx.x];
            }
            if (threadIdx.x == 0)
                window.operandChunk[count] = room;
            room += own;
            ++count;
        }
        if (threadIdx.x == 0)
            window.operandChunk[count] = room;
        __syncthreads();
        const Segment& last = window.segments[count - 1];
        const int begin = max(range.unitBegin, window.segments[0].unitBegin);
        const int end = min(range.unitEnd, last.unitBegin + last.tiles * last.chunks);
        const int from = begin + static_cast<int>(static_cast<long long>(end - begin) * warp / kWarps);
        int left = begin + static_cast<int>(static_cast<long long>(end - begin) * (warp + 1) / kWarps) - from;

        // Neither planes nor scales depend on what the preceding kernel writes.
        SourceCursor source(p.planes, p.chunks, window.segments, min(from, end - 1));
        int toLoad = left;
#pragma unroll
        for (int stage = 0; stage < kStageCount; ++stage) {
            if (toLoad > 0) {
                copyAsync(ring + stage * kChunkBytes, source.source() + lane * 16, policy);
                if (--toLoad > 0)
                    source.advance();
            }
            copyCommit();
        }
        if (first == range.segmentBegin) {
            const std::ptrdiff_t columns = static_cast<std::ptrdiff_t>(window.segments[0].group) * p.scaleColumns;
            bringNear(p.scales + columns * p.q, p.q * p.scaleColumns);
            bringNear(p.maxima + columns, p.scaleColumns);
            bringNear(p.input.weight, p.input.weight == nullptr ? 0 : p.K);
            waitForPredecessor();
        }
        const InputNorm norm = windowExponents<kKind>(p, window, count);
        makeOperands<kKind>(p, window, count, norm, operands);
        __syncthreads();

        int segmentIndex = 0;
        while (segmentIndex + 1 < count && from >= window.segments[segmentIndex + 1].unitBegin)
            ++segmentIndex;
        int tile = (from - window.segments[segmentIndex].unitBegin) / window.segments[segmentIndex].chunks;
        int chunk = (from - window.segments[segmentIndex].unitBegin) - tile * window.segments[segmentIndex].chunks;
        int slot = 0;
        while (left > 0) {
            const int here = min(left, window.segments[segmentIndex].chunks - chunk);
            const char* operand = operands + (window.operandChunk[segmentIndex] + chunk) * kOperandBytes + lane * 8;
            std::int32_t counts[3][4] = {};
            for (int i = 0; i < here; ++i) {
                copyWait<kStageCount - 1>();
                const uint4 a =
                    *reinterpret_cast<const uint4*>(shared + ((warp * kStageCount + slot) * 32 + lane) * 16);
#pragma unroll
                for (int j = 0; j < 3; ++j)
                    countCommonBits(counts[j], a, *reinterpret_cast<const uint2*>(operand + j * 256));
                operand += kOperandBytes;
                if (toLoad > 0) {
                    copyAsync(ring + slot * kChunkBytes, source.source() + lane * 16, policy);
                    if (--toLoad > 0)
                        source.advance();
                }
                copyCommit();
                slot = slot + 1 == kStageCount ? 0 : slot + 1;
            }
            finishStepTile(p, window, segmentIndex, tile, chunk, here, counts, lane);
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
