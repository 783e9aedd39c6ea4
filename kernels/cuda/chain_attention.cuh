// SPDX-License-Identifier: GPL-3.0-or-later
// Attention in a chain: a multiprocessor has a head and a part of its keys, and leaves what is to be joined to who
// reads it.
#pragma once

#include "kernels/cuda/attention.cuh"
#include "kernels/cuda/chain_input.cuh"

namespace sa::kernels::gpu
{

/// kPer neighbouring elements of a vector of 32 kPer, a lane's share.
template<int kPer> __device__ void readShare(const float* from, float (&out)[kPer])
{
    from += kPer * (static_cast<int>(threadIdx.x) % 32);
    if constexpr (kPer == 1) {
        out[0] = __ldcg(from);
    } else if constexpr (kPer == 2) {
        const float2 v = __ldcg(reinterpret_cast<const float2*>(from));
        out[0] = v.x, out[1] = v.y;
    } else {
#pragma unroll
        for (int i = 0; i < kPer; i += 4) {
            const float4 v = __ldcg(reinterpret_cast<const float4*>(from + i));
            out[i] = v.x, out[i + 1] = v.y, out[i + 2] = v.z, out[i + 3] = v.w;
        }
    }
}

/// Keys and values that a warp has under way together.
template<int kPer> struct ChainKeys {
    static constexpr int kTogether = kPer <= 4 ? 4 : 2;
    float k[kTogether][kPer], v[kTogether][kPer];

    /// Keys j, j + kChainWarps, ... below `past`.
    __device__ void read(const float* keys, const float* values, int j, int past)
    {
#pragma unroll
        for (int u = 0; u < kTogether; ++u) {
            // What lies outside is read from inside: loads that nothing decides about fly together.
            const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(min(j + u * kChainWarps, past - 1)) * (32 * kPer);
            readShare<kPer>(keys + at, k[u]);
            readShare<kPer>(values + at, v[u]);
        }
    }
};

template<int kPer> __device__ float dotOfWarp(const float (&a)[kPer], const float (&b)[kPer])
{
    float sum = 0;
#pragma unroll
    for (int i = 0; i < kPer; ++i)
        sum = fmaf(a[i], b[i], sum);
    return sumOfWarp(sum);
}

/// The token's query, key and value of a head into shared memory, [3][32 kPer]: normed, the first two rotated. Threads
/// 0 .. 12 kPer - 1 have 4 elements each, of both halves of a vector.
template<int kPer>
__device__ void readHead(const ChainPhase& p, std::uint32_t mark, int head, int kvHead, int position, float* vectors)
{
    constexpr int kDim = 32 * kPer, kHalf = kDim / 2, kThreads = kHalf / 4;
    const StepAttention& a = p.mixing;
    const int which = static_cast<int>(threadIdx.x) / kThreads, at = 4 * (static_cast<int>(threadIdx.x) % kThreads);
    const unsigned long long squares = askForSquares(p);
    float4 c = {1, 1, 1, 1}, s = {0, 0, 0, 0};
    if (which < 2 && a.cos != nullptr) {
        c = weightsAt(a.cos + static_cast<std::ptrdiff_t>(position) * kHalf, at);
        s = weightsAt(a.sin + static_cast<std::ptrdiff_t>(position) * kHalf, at);
    }
    FourColumns x[2];
    if (static_cast<int>(threadIdx.x) / 32 * 32 < 3 * kThreads) { // whole warps
        const int first = which == 0 ? head : a.heads + (which == 1 ? kvHead : a.kvHeads + kvHead);
        addParts(p.in + first * kDim + at, p.inStride, kHalf, p.inParts, mark, x);
    }
    const float norm = chainNorm(p, mark, squares);
    syncChain(); // nobody uses the memory any more
    if (which >= 3)
        return;
    float* to = vectors + which * kDim + at;
    const float cosines[] = {c.x * norm, c.y * norm, c.z * norm, c.w * norm};
    const float sines[] = {s.x * norm, s.y * norm, s.z * norm, s.w * norm};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        to[i] = x[0].v[i] * cosines[i] - x[1].v[i] * sines[i];
        to[i + kHalf] = x[1].v[i] * cosines[i] + x[0].v[i] * sines[i];
    }
}

/// Asks for the keys and values of the attention that follows the phase under way, so that they are in the second-level
/// cache by then: they would queue behind all the planes that are on their way.
__device__ inline void bringKeysNear(const ChainPhase& p, int position)
{
    if (p.kind != ChainKind::Attention)
        return;
    const StepAttention& a = p.mixing;
    const auto item = static_cast<int>(blockIdx.x);
    if (item >= a.heads * p.outParts)
        return;
    const auto [begin, end, parts] = keysOfPart(position, a.window, item % p.outParts, p.outParts);
    const std::ptrdiff_t head = static_cast<std::ptrdiff_t>(item / p.outParts / (a.heads / a.kvHeads)) * a.capacity;
    constexpr int kLine = 32;                                             // floats
    const int lines = (min(end, position) - begin) * (a.headDim / kLine); // less than 0 for parts without keys
    for (int i = static_cast<int>(threadIdx.x); i < 2 * lines; i += kChainThreads) {
        const float* from = i < lines ? a.keys : a.values;
        [[maybe_unused]] float ignored;
        asm volatile("ld.global.f32 %0, [%1];"
                     : "=f"(ignored)
                     : "l"(from + (head + begin) * a.headDim + kLine * (i < lines ? i : i - lines)));
    }
}

/// vectors: [3][32 kPer]; joined: [kChainWarps][32 kPer]; both in shared memory.
template<int kPer>
__device__ __noinline__ void attendChain(ChainState& state, int index, ChainMark mark, int position, float* vectors,
                                         float* joined)
{
    constexpr int kDim = 32 * kPer;
    const ChainPhase& p = state.phases[index % 4];
    const StepAttention& a = p.mixing;
    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
    const int share = a.heads / a.kvHeads;
#pragma unroll 1
    for (int item = static_cast<int>(blockIdx.x); item < a.heads * p.outParts; item += static_cast<int>(gridDim.x)) {
        const int head = item / p.outParts, part = item % p.outParts, kvHead = head / share;
        const auto [begin, end, parts] = keysOfPart(position, a.window, part, p.outParts);
        const bool newest = part < parts && end == position + 1; // its own key is not in the cache yet
        const int past = part >= parts ? begin : newest ? end - 1 : end;
        float* const keys = a.keys + static_cast<std::ptrdiff_t>(kvHead) * a.capacity * kDim;
        float* const values = a.values + static_cast<std::ptrdiff_t>(kvHead) * a.capacity * kDim;
        ChainKeys<kPer> batch;
        int j = begin + warp;
        if (j < past)
            batch.read(keys, values, j, past); // before anything is waited for
        readHead<kPer>(p, mark.now, head, kvHead, position, vectors);
        syncChain();
        if (newest && head % share == 0)
            for (int i = static_cast<int>(threadIdx.x); i < kDim; i += kChainThreads) {
                keys[static_cast<std::ptrdiff_t>(position) * kDim + i] = vectors[kDim + i];
                values[static_cast<std::ptrdiff_t>(position) * kDim + i] = vectors[2 * kDim + i];
            }
        float q[kPer];
#pragma unroll
        for (int i = 0; i < kPer; ++i)
            q[i] = vectors[kPer * lane + i] * a.scale;
        RunningMix<kPer> mix;
        while (j < past) {
#pragma unroll
            for (int u = 0; u < ChainKeys<kPer>::kTogether; ++u) {
                const float score = dotOfWarp<kPer>(q, batch.k[u]);
                if (j + u * kChainWarps < past)
                    mix.add(score, batch.v[u]);
            }
            j += kChainWarps * ChainKeys<kPer>::kTogether;
            if (j < past)
                batch.read(keys, values, j, past);
        }
        if (newest && warp == kChainWarps - 1) {
            float k[kPer], v[kPer];
#pragma unroll
            for (int i = 0; i < kPer; ++i) {
                k[i] = vectors[kDim + kPer * lane + i];
                v[i] = vectors[2 * kDim + kPer * lane + i];
            }
            mix.add(dotOfWarp<kPer>(q, k), v);
        }
        if (lane == 0) {
            state.mostOf[warp] = mix.most;
            state.sumOf[warp] = mix.sum;
        }
#pragma unroll
        for (int i = 0; i < kPer; ++i)
            joined[warp * kDim + kPer * lane + i] = mix.values[i];
        syncChain();
        if (warp >= kPer)
            continue;
        // Lane w has what warp w found.
        const float mostOfLane = lane < kChainWarps ? state.mostOf[lane] : -FLT_MAX;
        float most = mostOfLane;
#pragma unroll
        for (int step = 16; step > 0; step /= 2)
            most = fmaxf(most, __shfl_xor_sync(kAllLanes, most, step));
        const float weight = lane < kChainWarps ? expf(mostOfLane - most) : 0.0F;
        const float sum = sumOfWarp(lane < kChainWarps ? weight * state.sumOf[lane] : 0.0F);
        float value = 0;
#pragma unroll 5
        for (int w = 0; w < kChainWarps; ++w)
            value += __shfl_sync(kAllLanes, weight, w) * joined[w * kDim + static_cast<int>(threadIdx.x)];
        writeOne(p.out + static_cast<std::ptrdiff_t>(part) * p.outStride + head * kDim + static_cast<int>(threadIdx.x),
                 marked(value, mark.now & 1U));
        if (threadIdx.x == 0) {
            unsigned long long* shares = p.sharesOut + 2 * (static_cast<std::ptrdiff_t>(head) * p.outParts + part);
            writeWide(shares, widelyMarked(most, mark.now));
            writeWide(shares + 1, widelyMarked(sum, mark.now));
        }
    }
}

} // namespace sa::kernels::gpu
