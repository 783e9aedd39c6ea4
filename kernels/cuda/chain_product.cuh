// SPDX-License-Identifier: GPL-3.0-or-later
// A product of a chain: the operand of the multiprocessor's columns, then its tiles as they come.
#pragma once

#include "kernels/cuda/bit_planes.cuh"
#include "kernels/cuda/chain_input.cuh"
#include "kernels/cuda/dense.cuh"

namespace sa::kernels::gpu
{

/// A warp makes half of a chunk's words at a time: 0, 4, 1, 5, and 2 more for the second half, as they lie in the
/// operand. Eight lanes share a word, each has four of its columns.
inline constexpr int kHalfWords = onebit::kChunkWords / 2;

/// The first of a lane's columns in its chunk.
__device__ inline int columnOfLane(int half)
{
    const int lane = static_cast<int>(threadIdx.x) % 32, i = lane / 8;
    return 32 * ((i >> 1) + 4 * (i & 1) + 2 * half) + 4 * (lane % 8);
}

/// Where words of plane `plane` begin in a chunk's operand: planes that a warp writes together lie in different banks,
/// and so do those that it reads together.
__device__ inline int placeOfPlane(int plane)
{
    return plane / 8 * 72 + plane % 8 * 8 + plane % 8 / 4 * 4;
}
static_assert(2 * 72 + 7 * 8 + 4 + 8 <= kChainOperandBytes / 4);

/// Scales of a phase's chunks into shared memory, in the phase before.
__device__ inline void askForScales(const ChainPhase& p, const ChainWork& work, PackedScale* scales)
{
    if (p.kind != ChainKind::Product)
        return;
    const int perChunk = kChainColumns / p.perScale, quads = perChunk / 8;
    for (int i = static_cast<int>(threadIdx.x); i < work.chunks * quads; i += kChainThreads) {
        const int chunk = i / quads, quad = i % quads;
        copyAsync(sharedAddress(scales + chunk * perChunk + 8 * quad), p.scales + work.chunk[chunk].scale + 8 * quad);
    }
    copyCommit();
}

/// v = scale x of the lane's columns in half a chunk.
__device__ inline FourColumns scaledAt(const ChainPhase& p, const ChainWork& work, const float* xs,
                                       const PackedScale* scales, int item)
{
    const int column = columnOfLane(item % 2);
    const float4 x = *reinterpret_cast<const float4*>(xs + work.chunk[item / 2].column * kChainColumns + column);
    if (p.perScale == 1) {
        const ushort4 own = *reinterpret_cast<const ushort4*>(scales + item / 2 * kChainColumns + column);
        return {x.x * scaleValue(own.x), x.y * scaleValue(own.y), x.z * scaleValue(own.z), x.w * scaleValue(own.w)};
    }
    const float own = scaleValue(scales[item / 2 * (kChainColumns / 8) + column / 8]);
    return {x.x * own, x.y * own, x.z * own, x.w * own};
}

/// Halves that a warp makes together, so that their chains of operations overlap.
inline constexpr int kHalvesTogether = 2;

/// The largest |v| of each segment.
__device__ inline void findLargest(const ChainPhase& p, const ChainWork& work, const float* xs,
                                   const PackedScale* scales, ChainSums& own)
{
    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
    const int items = 2 * work.chunks;
#pragma unroll 1
    for (int first = warp; first < items; first += kHalvesTogether * kChainWarps) {
        std::uint32_t largest[kHalvesTogether];
#pragma unroll
        for (int u = 0; u < kHalvesTogether; ++u) { // past the last: the first again
            const int item = first + u * kChainWarps < items ? first + u * kChainWarps : first;
            const FourColumns values = scaledAt(p, work, xs, scales, item);
            largest[u] = max(max(__float_as_uint(values.v[0]) & onebit::kMagnitude,
                                 __float_as_uint(values.v[1]) & onebit::kMagnitude),
                             max(__float_as_uint(values.v[2]) & onebit::kMagnitude,
                                 __float_as_uint(values.v[3]) & onebit::kMagnitude));
        }
#pragma unroll
        for (int u = 0; u < kHalvesTogether; ++u) {
            largest[u] = __reduce_max_sync(kAllLanes, largest[u]);
            if (lane == u && first + u * kChainWarps < items)
                atomicMax(&own.largest[work.chunk[(first + u * kChainWarps) / 2].segment], largest[u]);
        }
    }
}

/// Lane j of eight has rows 4 j .. 4 j + 3 of 32 x 32 matrices of bits, and gets those of their transposes.
template<int kCount> __device__ void transposeByEight(std::uint32_t (&matrices)[kCount][4])
{
    const int lane = static_cast<int>(threadIdx.x) % 32;
    constexpr std::uint32_t kMasks[] = {0x0000FFFFU, 0x00FF00FFU, 0x0F0F0F0FU};
#pragma unroll
    for (int i = 0; i < 3; ++i) {
        const int bits = 16 >> i, lanes = 4 >> i;
        const bool low = (lane & lanes) == 0;
        const std::uint32_t keep = low ? kMasks[i] : ~kMasks[i];
        const int turn = low ? bits : 32 - bits;
#pragma unroll
        for (auto& rows : matrices)
#pragma unroll
            for (std::uint32_t& row : rows) {
                const std::uint32_t other = __shfl_xor_sync(kAllLanes, row, lanes);
                row = (row & keep) | (__funnelshift_l(other, other, turn) & ~keep); // what wraps around is not kept
            }
    }
    const auto exchange = [](std::uint32_t& a, std::uint32_t& b, int bits, std::uint32_t mask) {
        const std::uint32_t both = ((a >> bits) ^ b) & mask;
        b ^= both;
        a ^= both << bits;
    };
#pragma unroll
    for (auto& rows : matrices) {
        exchange(rows[0], rows[2], 2, 0x33333333U);
        exchange(rows[1], rows[3], 2, 0x33333333U);
        exchange(rows[0], rows[1], 1, 0x55555555U);
        exchange(rows[2], rows[3], 1, 0x55555555U);
    }
}

__device__ inline void makePlanes(const ChainPhase& p, const ChainWork& work, const float* xs,
                                  const PackedScale* scales, ChainSums& own, std::uint32_t* operand)
{
    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
    const int items = 2 * work.chunks;
#pragma unroll 1
    for (int first = warp; first < items; first += kHalvesTogether * kChainWarps) {
        std::uint32_t planes[kHalvesTogether][4];
        std::int32_t sums[kHalvesTogether]; // |Q| < 2^23: 128 of them fit
#pragma unroll
        for (int u = 0; u < kHalvesTogether; ++u) {
            const int item = first + u * kChainWarps < items ? first + u * kChainWarps : first;
            const std::uint32_t largest = own.largest[work.chunk[item / 2].segment];
            const float unit = fixedPointUnit(exponentOf(__uint_as_float(largest)));
            const FourColumns values = scaledAt(p, work, xs, scales, item); // again: cheaper than to keep them
            sums[u] = 0;
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                const std::int32_t fixed = __float2int_rn(values.v[i] * unit); // NaN gives 0
                sums[u] += fixed;
                planes[u][i] = static_cast<std::uint32_t>(fixed);
            }
        }
        transposeByEight(planes);
        const int plane = lane % 8 * 4;
#pragma unroll
        for (int u = 0; u < kHalvesTogether; ++u) {
            const int item = first + u * kChainWarps;
            sums[u] = __reduce_add_sync(kAllLanes, sums[u]);
            if (item >= items)
                continue;
            std::uint32_t* to = operand + item / 2 * (kChainOperandBytes / 4) + item % 2 * kHalfWords + lane / 8;
            if (plane < onebit::kPlanes) {
#pragma unroll
                for (int i = 0; i < 4; ++i)
                    to[placeOfPlane(plane) + 8 * i] = planes[u][i];
            }
            const int segment = work.chunk[item / 2].segment;
            if (lane == 2 * u)
                atomicAdd(&own.upper[segment], sums[u] >> 16);
            if (lane == 2 * u + 1)
                atomicAdd(&own.lower[segment], sums[u] & 0xFFFF);
        }
    }
}

/// From what the phase before left to activation planes. Behind its first barrier everybody has left that phase, so
/// that the sums of the next one are free.
__device__ __noinline__ void makeOperand(ChainState& state, int index, ChainMark mark, float* xs,
                                         const PackedScale* scales, std::uint32_t* operand)
{
    const ChainPhase& p = state.phases[index % 4];
    const ChainWork& work = state.works[index % 3];
    ChainSums& own = state.sums[index % 2];
    makeInput(p, work, mark, state, xs);
    copyWait<1>(); // for the scales
    syncChain();
    if (threadIdx.x == 0)
        state.sums[(index + 1) % 2] = {};
    keepSquares(p, work, mark, state);
    findLargest(p, work, xs, scales, own);
    syncChain();
    makePlanes(p, work, xs, scales, own, operand);
    copyWait<0>(); // for the next phase's description
    syncChain();
}

/// Counts of a tile's planes; lane t of a row's four has planes 8 i + 2 t and the next.
using TileCounts = std::int32_t[3][4];

__device__ inline void countTile(const uint4* tile, const uint2* operand, int chunks, TileCounts& counts)
{
#pragma unroll 4
    for (int c = 0; c < chunks; ++c) {
        const uint4 a = tile[c * 32];
#pragma unroll
        for (int i = 0; i < 3; ++i)
            countCommonBits(counts[i], a, operand[c * (kChainOperandBytes / 8) + i * 36]);
    }
}

/// sum over planes of 2^p counts, of the row `half` * 8 below lane / 4; the same in the row's four lanes.
__device__ inline long long foldedCounts(const TileCounts& c, int half)
{
    // Counts are at most 256 kChainChunks < 2^14, so that planes 0..15 fit in 32 bits; the last plane of all is the
    // sign.
    const int t = static_cast<int>(threadIdx.x) % 4;
    std::int32_t low = (c[0][2 * half] + 2 * c[0][2 * half + 1] + ((c[1][2 * half] + 2 * c[1][2 * half + 1]) << 8))
                       << (2 * t);
    std::int32_t high = (c[2][2 * half] + (t == 3 ? -2 : 2) * c[2][2 * half + 1]) * (1 << (2 * t));
    low += __shfl_xor_sync(kAllLanes, low, 1);
    high += __shfl_xor_sync(kAllLanes, high, 1);
    low += __shfl_xor_sync(kAllLanes, low, 2);
    high += __shfl_xor_sync(kAllLanes, high, 2);
    return low + static_cast<long long>(high) * 65536;
}

/// 2^(e-23); 0 for nothing, NaN for what is not finite.
__device__ inline float resultUnit(int e)
{
    if (e == onebit::kNotFinite)
        return __int_as_float(0x7FC00000);
    return e == onebit::kNoExponent ? 0.0F : __int_as_float((e - onebit::kFraction + 127) << 23);
}

struct SegmentSums {
    const ChainSegment& segment;
    float* out;
    int stride;
    std::uint32_t mark;
    long long inputs;
    float unit;

    __device__ void write(int row, long long folded) const
    {
        if (row >= segment.rows)
            return;
        const float y = __ll2float_rn(2 * folded - inputs) * unit; // a power of two, or 0 or NaN
        float* to = out + static_cast<std::ptrdiff_t>(segment.slot) * stride + segment.row + row;
        writeOne(to, marked(y, mark & 1U));
        for (int i = 1; i <= segment.zeroSlots; ++i)
            writeOne(to + static_cast<std::ptrdiff_t>(i) * stride, mark & 1U);
    }
};

/// The tiles of the work's segments, piece by piece as they come; `piece` counts those of all phases.
__device__ __noinline__ void multiplyTiles(ChainState& state, int index, std::uint32_t mark, const char* ringMemory,
                                           const std::uint32_t* operand, std::uint32_t piece)
{
    if (threadIdx.x == 0)
        state.ring.started = state.ring.started + 1;
    const ChainPhase& p = state.phases[index % 4];
    const ChainWork& work = state.works[index % 3];
    const ChainSums& own = state.sums[index % 2];
    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
    const int t = lane % 4;
    for (int s = 0; s < work.segments; ++s) {
        const ChainSegment& segment = work.segment[s];
        const SegmentSums sums{segment, p.out,         p.outStride,
                               mark,    own.inputs(s), resultUnit(exponentOf(__uint_as_float(own.largest[s])))};
        const auto* b = reinterpret_cast<const uint2*>(operand + segment.localChunk * (kChainOperandBytes / 4) +
                                                       placeOfPlane(lane / 4)) +
                        t;
        const int chunks = segment.chunks, log2 = segment.tilesLog2, perPiece = 1 << log2;
        for (int tile = (warp + kChainWarps - static_cast<int>(piece % kChainWarps)) % kChainWarps;
             tile < segment.tiles; tile += kChainWarps) {
            const std::uint32_t number = piece + (tile >> log2);
            const auto place = static_cast<int>(number % kChainSlots);
            const int within = tile & (perPiece - 1);
            barrierWaitOfWarp(state.ring.full + place, number / kChainSlots & 1U);
            TileCounts counts = {};
            countTile(
                reinterpret_cast<const uint4*>(ringMemory + (state.ring.begin[place] + within * chunks) * kChunkBytes) +
                    lane,
                b, chunks, counts);
            __syncwarp();
            if (lane == 0) // the last tile also for those that the piece lacks
                barrierArrive(state.ring.empty + place, (tile + 1 == segment.tiles ? perPiece - within : 1)
                                                            << (kChainMostTilesLog2 - log2));
            const long long upper = foldedCounts(counts, 0), lower = foldedCounts(counts, 1);
            if (t < 2)
                sums.write(tile * onebit::kTileRows + lane / 4 + 8 * t, t == 0 ? upper : lower);
        }
        piece += static_cast<std::uint32_t>((segment.tiles - 1) >> log2) + 1;
    }
}

} // namespace sa::kernels::gpu
