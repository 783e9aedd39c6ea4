// SPDX-License-Identifier: GPL-3.0-or-later
// The input of a decode step's kernel, made from what the preceding kernel wrote. Past the first-level cache: kernels
// overlap, so that a line in there may be older than the preceding kernel's result.
#pragma once

#include "kernels/cuda/ptx.cuh"
#include "sa/kernels/gpu_step.h"

namespace sa::kernels::gpu
{

__device__ inline float activated(StepActivation activation, float x)
{
    switch (activation) {
    case StepActivation::Silu:
        return x / (1.0F + expf(-x));
    case StepActivation::Relu:
        return fmaxf(x, 0.0F);
    case StepActivation::Gelu:
        return 0.5F * x * (1.0F + erff(x * 0.70710678F));
    case StepActivation::GeluTanh:
        break;
    }
    return 0.5F * x * (1.0F + tanhf(0.79788456F * (x + 0.044715F * x * x * x)));
}

__device__ inline float sumOfWarp(float value)
{
#pragma unroll
    for (int step = 16; step > 0; step /= 2)
        value += __shfl_xor_sync(kAllLanes, value, step);
    return value;
}

/// The same in every thread; kCount warps. scratch: [kCount], free again after the next barrier.
template<int kCount> __device__ float sumOfBlock(float value, float* scratch)
{
    value = sumOfWarp(value);
    if (threadIdx.x % 32 == 0)
        scratch[threadIdx.x / 32] = value;
    __syncthreads();
    return sumOfWarp(threadIdx.x % 32 < kCount ? scratch[threadIdx.x % 32] : 0.0F);
}

/// What all elements share.
struct InputNorm {
    float mean = 0, scale = 1;
};

template<StepInputKind kKind> __device__ float inputAt(const StepInput& in, const InputNorm& norm, int k)
{
    float x = __ldcg(in.x + k);
    if (kKind == StepInputKind::Layer)
        x = (x - norm.mean) * norm.scale;
    if (kKind == StepInputKind::Activated) {
        x = activated(in.activation, x);
        if (in.factor != nullptr)
            x *= __ldcg(in.factor + k);
    }
    if (in.weight != nullptr)
        x *= __ldg(in.weight + k);
    if (kKind == StepInputKind::Layer && in.bias != nullptr)
        x += __ldg(in.bias + k);
    return x; // Rms: still to be multiplied by norm.scale
}

__device__ inline void loadEight(const float* from, bool cached, float (&out)[8])
{
    const auto* source = reinterpret_cast<const float4*>(from);
    const float4 a = cached ? __ldg(source) : __ldcg(source), b = cached ? __ldg(source + 1) : __ldcg(source + 1);
    out[0] = a.x, out[1] = a.y, out[2] = a.z, out[3] = a.w;
    out[4] = b.x, out[5] = b.y, out[6] = b.z, out[7] = b.w;
}

/// Columns k..k+7 of n, those past n are 0; plain: the numbers themselves, for a norm.
template<StepInputKind kKind>
__device__ void inputEight(const StepInput& in, const InputNorm& norm, int k, int n, float (&v)[8], float (&plain)[8])
{
    if (k + 8 > n) {
#pragma unroll
        for (int i = 0; i < 8; ++i) {
            v[i] = k + i < n ? inputAt<kKind>(in, norm, k + i) : 0.0F;
            plain[i] = k + i < n ? __ldcg(in.x + k + i) : 0.0F;
        }
        return;
    }
    // All loads first: one after the other they would each wait for the second-level cache.
    float factor[8], weight[8], bias[8];
    loadEight(in.x + k, false, plain);
    if (kKind == StepInputKind::Activated && in.factor != nullptr)
        loadEight(in.factor + k, false, factor);
    if (in.weight != nullptr)
        loadEight(in.weight + k, true, weight);
    if (kKind == StepInputKind::Layer && in.bias != nullptr)
        loadEight(in.bias + k, true, bias);
#pragma unroll
    for (int i = 0; i < 8; ++i) {
        v[i] = plain[i];
        if (kKind == StepInputKind::Layer)
            v[i] = (v[i] - norm.mean) * norm.scale;
        if (kKind == StepInputKind::Activated)
            v[i] = activated(in.activation, v[i]);
        if (kKind == StepInputKind::Activated && in.factor != nullptr)
            v[i] *= factor[i];
        if (in.weight != nullptr)
            v[i] *= weight[i];
        if (kKind == StepInputKind::Layer && in.bias != nullptr)
            v[i] += bias[i];
    }
}

/// Columns ks[..], all of them inside; as inputAt.
template<StepInputKind kKind, int kCount>
__device__ void inputMany(const StepInput& in, const InputNorm& norm, const int (&ks)[kCount], float (&v)[kCount])
{
    float factor[kCount], weight[kCount];
#pragma unroll
    for (int i = 0; i < kCount; ++i)
        v[i] = __ldcg(in.x + ks[i]);
    if (kKind == StepInputKind::Activated && in.factor != nullptr) {
#pragma unroll
        for (int i = 0; i < kCount; ++i)
            factor[i] = __ldcg(in.factor + ks[i]);
    }
    if (in.weight != nullptr) {
#pragma unroll
        for (int i = 0; i < kCount; ++i)
            weight[i] = __ldg(in.weight + ks[i]);
    }
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
        if (kKind == StepInputKind::Layer)
            v[i] = (v[i] - norm.mean) * norm.scale;
        if (kKind == StepInputKind::Activated)
            v[i] = activated(in.activation, v[i]);
        if (kKind == StepInputKind::Activated && in.factor != nullptr)
            v[i] *= factor[i];
        if (in.weight != nullptr)
            v[i] *= weight[i];
        if (kKind == StepInputKind::Layer && in.bias != nullptr)
            v[i] += __ldg(in.bias + ks[i]);
    }
}

/// Mean and 1 / deviation of x [n] for a layer norm, 1 / root mean square for an RMS norm. scratch: [2][kCount].
template<StepInputKind kKind, int kCount> __device__ InputNorm normOf(const StepInput& in, int n, float* scratch)
{
    InputNorm norm;
    if (kKind != StepInputKind::Layer && kKind != StepInputKind::Rms)
        return norm;
    const auto overAll = [&](auto add) {
        for (int k = 8 * static_cast<int>(threadIdx.x); k < n; k += 8 * kCount * 32) {
            if (k + 8 <= n) {
                float x[8];
                loadEight(in.x + k, false, x);
#pragma unroll
                for (const float value : x)
                    add(value);
            } else {
                for (int i = k; i < n; ++i)
                    add(__ldcg(in.x + i));
            }
        }
    };
    if (kKind == StepInputKind::Layer) {
        float sum = 0;
        overAll([&](float x) { sum += x; });
        norm.mean = sumOfBlock<kCount>(sum, scratch) / static_cast<float>(n);
    }
    float squares = 0;
    overAll([&](float x) { squares += (x - norm.mean) * (x - norm.mean); });
    norm.scale = rsqrtf(sumOfBlock<kCount>(squares, scratch + kCount) / static_cast<float>(n) + in.epsilon);
    return norm;
}

} // namespace sa::kernels::gpu
