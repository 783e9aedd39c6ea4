// SPDX-License-Identifier: GPL-3.0-or-later
// Attention of one query. A block has a head and a part of the keys, a warp keys of its own with a running softmax; the
// last block of a head joins the parts in their order.
#include "kernels/cuda/attention.cuh"
#include "kernels/cuda/step_calls.h"

#include <algorithm>

namespace sa::kernels
{

namespace gpu
{

namespace
{

constexpr int kAttentionWarps = 8;
constexpr int kMostParts = 16;    ///< of the keys of a head
constexpr int kKeysPerPart = 128; ///< of the capacity: few blocks, so that the next product's fit beside them

/// Keys and values that a warp has under way together; of 32 kPer elements, d of which there are.
template<int kPer> constexpr int kKeysTogether = kPer <= 4 ? 4 : 2;
template<int kPer> struct KeyBatch {
    static constexpr int kTogether = kKeysTogether<kPer>;
    float k[kTogether][kPer], v[kTogether][kPer];

    /// Keys j0, j0 + step, ... below `past`, which is not 0.
    __device__ void load(const float* keys, const float* values, int d, int j0, int step, int past)
    {
        const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
        for (int u = 0; u < kTogether; ++u) {
#pragma unroll
            for (int i = 0; i < kPer; ++i) {
                // What lies outside is loaded from inside: loads that nothing decides about fly together.
                const std::ptrdiff_t at =
                    static_cast<std::ptrdiff_t>(min(j0 + u * step, past - 1)) * d + min(lane + 32 * i, d - 1);
                k[u][i] = __ldcg(keys + at);
                v[u][i] = __ldcg(values + at);
            }
        }
    }
    /// scored(dot of a lane, key): the score, the same in all lanes.
    template<class Scored>
    __device__ void mixInto(RunningMix<kPer>& mix, const float (&q)[kPer], int j0, int step, int past, Scored scored)
    {
#pragma unroll
        for (int u = 0; u < kTogether; ++u) {
            float dot = 0;
#pragma unroll
            for (int i = 0; i < kPer; ++i)
                dot = fmaf(q[i], k[u][i], dot);
            const float score = scored(dot, j0 + u * step);
            if (j0 + u * step < past)
                mix.add(score, v[u]);
        }
    }
};

/// A head's vector in shared memory, normed and rotated; a warp. Elements at least one lane reads are synchronized by
/// the caller's barrier.
__device__ void prepare(const float* from, const float* weight, float epsilon, const float* cos, const float* sin,
                        int d, float* out)
{
    const int lane = static_cast<int>(threadIdx.x) % 32;
    float scale = 1;
    if (weight != nullptr) {
        float squares = 0;
        for (int i = lane; i < d; i += 32) {
            const float x = __ldcg(from + i);
            squares += x * x;
        }
        scale = rsqrtf(sumOfWarp(squares) / static_cast<float>(d) + epsilon);
    }
    const auto normed = [&](int i) {
        const float x = __ldcg(from + i);
        return weight == nullptr ? x : x * scale * __ldg(weight + i);
    };
    const int half = d / 2;
    for (int i = lane; i < (cos == nullptr ? d : half); i += 32) {
        const float a = normed(i);
        if (cos == nullptr) {
            out[i] = a;
            continue;
        }
        const float b = normed(i + half), c = __ldg(cos + i), s = __ldg(sin + i);
        out[i] = a * c - b * s;
        out[i + half] = b * c + a * s;
    }
}

template<int kPer>
__global__ void __launch_bounds__(kAttentionWarps * 32)
    attentionKernel(const __grid_constant__ StepAttention p, const std::int32_t* state)
{
    __shared__ float query[kStepMaxHeadDim], key[kStepMaxHeadDim];
    __shared__ float mostOf[kAttentionWarps], sumOf[kAttentionWarps], valuesOf[kAttentionWarps][kStepMaxHeadDim];
    __shared__ int ticket;
    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
    const int head = static_cast<int>(blockIdx.x), part = static_cast<int>(blockIdx.y);
    const int share = p.heads / p.kvHeads, kvHead = head / share, d = p.headDim;
    allowSuccessor();
    const int position = __ldcg(state + 1); // written a whole step ago
    const auto [begin, end, parts] = keysOfPart(position, p.window, part, static_cast<int>(gridDim.y));
    waitForPredecessor();
    if (part >= parts)
        return;
    const bool newest = end == position + 1; // its own key is not in the cache yet

    const auto half = static_cast<std::ptrdiff_t>(d / 2);
    const float* cos = p.cos == nullptr ? nullptr : p.cos + position * half;
    const float* sin = p.sin == nullptr ? nullptr : p.sin + position * half;
    const float* value = p.v + static_cast<std::ptrdiff_t>(kvHead) * p.strideKv;
    float* const keys = p.keys + static_cast<std::ptrdiff_t>(kvHead) * p.capacity * d;
    float* const values = p.values + static_cast<std::ptrdiff_t>(kvHead) * p.capacity * d;
    if (warp == 0)
        prepare(p.q + static_cast<std::ptrdiff_t>(head) * p.strideQ, p.queryNorm, p.epsilon, cos, sin, d, query);
    if (warp == 1 && newest)
        prepare(p.k + static_cast<std::ptrdiff_t>(kvHead) * p.strideKv, p.keyNorm, p.epsilon, cos, sin, d, key);
    __syncthreads();
    if (newest && head % share == 0) {
        for (int i = static_cast<int>(threadIdx.x); i < d; i += kAttentionWarps * 32) {
            keys[static_cast<std::ptrdiff_t>(position) * d + i] = key[i];
            values[static_cast<std::ptrdiff_t>(position) * d + i] = __ldcg(value + i);
        }
    }

    float q[kPer];
#pragma unroll
    for (int i = 0; i < kPer; ++i)
        q[i] = lane + 32 * i < d ? query[lane + 32 * i] : 0.0F;
    const float slope = p.slopes == nullptr ? 0.0F : __ldg(p.slopes + head);
    const auto scored = [&](float dot, int j) {
        float score = sumOfWarp(dot) * p.scale;
        if (p.softcap > 0)
            score = p.softcap * tanhf(score / p.softcap);
        return score + slope * static_cast<float>(j);
    };
    RunningMix<kPer> mix;
    const int past = newest ? end - 1 : end;
    for (int j0 = begin + warp; j0 < past; j0 += kAttentionWarps * kKeysTogether<kPer>) {
        KeyBatch<kPer> batch;
        batch.load(keys, values, d, j0, kAttentionWarps, past);
        batch.mixInto(mix, q, j0, kAttentionWarps, past, scored);
    }
    if (newest && warp == 0) {
        float v[kPer], dot = 0;
#pragma unroll
        for (int i = 0; i < kPer; ++i) {
            const bool inside = lane + 32 * i < d;
            dot = inside ? fmaf(q[i], key[lane + 32 * i], dot) : dot;
            v[i] = inside ? __ldcg(value + lane + 32 * i) : 0.0F;
        }
        mix.add(scored(dot, position), v);
    }

    // The block's warps, then the head's blocks.
    if (lane == 0) {
        mostOf[warp] = mix.most;
        sumOf[warp] = mix.sum;
    }
#pragma unroll
    for (int i = 0; i < kPer; ++i)
        if (lane + 32 * i < d)
            valuesOf[warp][lane + 32 * i] = mix.values[i];
    __syncthreads();
    float most = -FLT_MAX, sum = 0;
#pragma unroll
    for (int w = 0; w < kAttentionWarps; ++w)
        most = fmaxf(most, mostOf[w]);
    float weights[kAttentionWarps];
#pragma unroll
    for (int w = 0; w < kAttentionWarps; ++w) {
        weights[w] = expf(mostOf[w] - most);
        sum += weights[w] * sumOf[w];
    }
    auto* tickets = static_cast<unsigned*>(p.scratch);
    float* const parted = reinterpret_cast<float*>(tickets + (p.heads + 3) / 4 * 4);
    const auto stride = static_cast<std::ptrdiff_t>(d) + 2;
    float* const own = parted + (static_cast<std::ptrdiff_t>(head) * kMostParts + part) * stride;
    for (int i = static_cast<int>(threadIdx.x); i < d; i += kAttentionWarps * 32) {
        float joined = 0;
#pragma unroll
        for (int w = 0; w < kAttentionWarps; ++w)
            joined += weights[w] * valuesOf[w][i];
        if (parts == 1)
            p.out[static_cast<std::ptrdiff_t>(head) * d + i] = joined / sum;
        else
            __stcg(own + 2 + i, joined);
    }
    if (parts == 1)
        return;
    if (threadIdx.x == 0) {
        __stcg(own, most);
        __stcg(own + 1, sum);
    }
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0)
        ticket = static_cast<int>(atomicInc(tickets + head, static_cast<unsigned>(parts - 1)));
    __syncthreads();
    if (ticket != parts - 1)
        return;
    __threadfence();
    const float* const all = parted + static_cast<std::ptrdiff_t>(head) * kMostParts * stride;
    most = -FLT_MAX;
    for (int i = 0; i < parts; ++i)
        most = fmaxf(most, __ldcg(all + i * stride));
    sum = 0;
    for (int i = 0; i < parts; ++i)
        sum += expf(__ldcg(all + i * stride) - most) * __ldcg(all + i * stride + 1);
    for (int k = static_cast<int>(threadIdx.x); k < d; k += kAttentionWarps * 32) {
        float joined = 0;
        for (int i = 0; i < parts; ++i)
            joined += expf(__ldcg(all + i * stride) - most) * __ldcg(all + i * stride + 2 + k);
        p.out[static_cast<std::ptrdiff_t>(head) * d + k] = joined / sum;
    }
}

template<int kPer> Status attend(const StepAttention& attention, const std::int32_t* state, const StepLaunch& how)
{
    const int parts = std::clamp((attention.capacity + kKeysPerPart - 1) / kKeysPerPart, 1, kMostParts);
    return launch(stepLaunch(dim3(attention.heads, parts), dim3(kAttentionWarps * 32), 0, how), attentionKernel<kPer>,
                  attention, state);
}

} // namespace

} // namespace gpu

std::size_t stepAttentionScratchBytes(int heads, int headDim) noexcept
{
    return (static_cast<std::size_t>(heads + 3) / 4 * 4 +
            static_cast<std::size_t>(heads) * gpu::kMostParts * (static_cast<std::size_t>(headDim) + 2)) *
           sizeof(float);
}

Status gpuStepAttention(const StepAttention& a, const std::int32_t* state, const StepLaunch& how) noexcept
{
    if (a.heads < 1 || a.kvHeads < 1 || a.heads % a.kvHeads != 0 || a.headDim < 1 || a.headDim > kStepMaxHeadDim ||
        (a.cos != nullptr && a.headDim % 2 != 0) || a.capacity < 1)
        return Status::BadShape;
    for (const void* pointer :
         {static_cast<const void*>(a.q), static_cast<const void*>(a.k), static_cast<const void*>(a.v),
          static_cast<const void*>(a.keys), static_cast<const void*>(a.values), static_cast<const void*>(a.out),
          static_cast<const void*>(a.scratch), static_cast<const void*>(state)})
        if (gpu::misaligned(pointer, 4))
            return Status::BadPointer;
    return a.headDim <= 32    ? gpu::attend<1>(a, state, how)
           : a.headDim <= 64  ? gpu::attend<2>(a, state, how)
           : a.headDim <= 128 ? gpu::attend<4>(a, state, how)
                              : gpu::attend<8>(a, state, how);
}

} // namespace sa::kernels
