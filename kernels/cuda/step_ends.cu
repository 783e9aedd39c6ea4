// SPDX-License-Identifier: GPL-3.0-or-later
// The first and last kernels of a decode step, and inputs on their own.
#include "kernels/cuda/step_calls.h"
#include "kernels/cuda/step_input.cuh"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace sa::kernels
{

namespace gpu
{

namespace
{

constexpr int kEndWarps = 32;

__global__ void embedKernel(StepEmbedding p, const std::int32_t* state, float* y)
{
    allowSuccessor();
    waitForPredecessor();
    const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (i >= p.width)
        return;
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(__ldcg(state)) * p.width + i;
    float value = p.type == StepFloat::F32   ? static_cast<const float*>(p.table)[at]
                  : p.type == StepFloat::F16 ? __half2float(static_cast<const __half*>(p.table)[at])
                                             : __bfloat162float(static_cast<const __nv_bfloat16*>(p.table)[at]);
    value *= p.scale;
    if (p.positions != nullptr)
        value += p.positions[(static_cast<std::ptrdiff_t>(__ldcg(state + 1)) + p.offset) * p.width + i];
    y[i] = value;
}

/// Every block makes the norm by itself; an element a thread.
template<StepInputKind kKind>
__global__ void __launch_bounds__(kEndWarps * 32) valueKernel(StepInput in, int n, StepOutput out, float softcap)
{
    __shared__ float scratch[2 * kEndWarps];
    allowSuccessor();
    waitForPredecessor();
    const InputNorm norm = normOf<kKind, kEndWarps>(in, n, scratch);
    for (int k = static_cast<int>(blockIdx.x) * kEndWarps * 32 + static_cast<int>(threadIdx.x); k < n;
         k += static_cast<int>(gridDim.x) * kEndWarps * 32) {
        float y = inputAt<kKind>(in, norm, k) * (kKind == StepInputKind::Rms ? norm.scale : 1.0F);
        if (out.bias != nullptr)
            y += out.bias[k];
        if (out.residual != nullptr)
            y += __ldcg(out.residual + k);
        out.y[k] = softcap > 0 ? softcap * tanhf(y / softcap) : y;
    }
}

__global__ void __launch_bounds__(kEndWarps * 32)
    pickKernel(const float* logits, int vocab, std::int32_t* state, std::int32_t* hostToken)
{
    __shared__ float bestOf[kEndWarps];
    __shared__ int indexOf[kEndWarps];
    allowSuccessor();
    waitForPredecessor();
    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
    float best = -__int_as_float(0x7F800000);
    int index = 0x7FFFFFFF;
    const auto take = [&](float value, int i) {
        if (value > best || (value == best && i < index)) {
            best = value;
            index = i;
        }
    };
#pragma unroll 4
    for (int i = static_cast<int>(threadIdx.x); i < vocab; i += kEndWarps * 32)
        take(__ldcg(logits + i), i);
    const auto takeOfWarp = [&] {
#pragma unroll
        for (int step = 16; step > 0; step /= 2) {
            const float value = __shfl_xor_sync(kAllLanes, best, step);
            const int i = __shfl_xor_sync(kAllLanes, index, step);
            take(value, i);
        }
    };
    takeOfWarp();
    if (lane == 0) {
        bestOf[warp] = best;
        indexOf[warp] = index;
    }
    __syncthreads();
    if (warp != 0)
        return;
    best = bestOf[lane];
    index = indexOf[lane];
    takeOfWarp();
    if (lane == 0) {
        const int token = index < vocab ? index : 0; // nothing but NaN
        state[0] = token;
        state[1] += 1;
        if (hostToken != nullptr)
            *static_cast<volatile std::int32_t*>(hostToken) = token;
    }
}

} // namespace

} // namespace gpu

Status gpuStepEmbed(const StepEmbedding& embedding, const std::int32_t* state, float* y, const StepLaunch& how) noexcept
{
    if (embedding.width < 1)
        return Status::BadShape;
    if (embedding.type == StepFloat::I8) // a table of bytes has no scales here
        return Status::Unsupported;
    if (embedding.table == nullptr || gpu::misaligned(state, 4) || gpu::misaligned(y, 4))
        return Status::BadPointer;
    return gpu::launch(gpu::stepLaunch(dim3((embedding.width + 255) / 256), dim3(256), 0, how), gpu::embedKernel,
                       embedding, state, y);
}

Status gpuStepValue(const StepInput& input, int n, const StepOutput& output, float softcap,
                    const StepLaunch& how) noexcept
{
    if (n < 1)
        return Status::BadShape;
    if (const Status status = gpu::checkStep(input, output); status != Status::Ok)
        return status;
    constexpr int kThreads = gpu::kEndWarps * 32;
    // A block that writes what another one norms would change its norm.
    const bool alone = input.kind == StepInputKind::Rms || input.kind == StepInputKind::Layer;
    return gpu::withInputKind(input.kind, [&](auto kind) {
        return gpu::launch(gpu::stepLaunch(dim3(alone ? 1 : (n + kThreads - 1) / kThreads), dim3(kThreads), 0, how),
                           gpu::valueKernel<kind()>, input, n, output, softcap);
    });
}

Status gpuStepPick(const float* logits, int vocab, std::int32_t* state, std::int32_t* hostToken,
                   const StepLaunch& how) noexcept
{
    if (vocab < 1)
        return Status::BadShape;
    if (gpu::misaligned(logits, 4) || gpu::misaligned(state, 4))
        return Status::BadPointer;
    return gpu::launch(gpu::stepLaunch(dim3(1), dim3(gpu::kEndWarps * 32), 0, how), gpu::pickKernel, logits, vocab,
                       state, hostToken);
}

} // namespace sa::kernels
