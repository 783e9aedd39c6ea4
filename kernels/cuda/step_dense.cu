// SPDX-License-Identifier: GPL-3.0-or-later
// Dense products of a decode step: a warp takes two rows at a time, the input lies in shared memory as float.
#include "kernels/cuda/step_calls.h"
#include "kernels/cuda/step_input.cuh"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace sa::kernels
{

namespace gpu
{

namespace
{

constexpr int kDenseWarps = 8;
constexpr int kRows = 2; ///< of a warp at a time

__device__ float widened(float x)
{
    return x;
}
__device__ float widened(__half x)
{
    return __half2float(x);
}
__device__ float widened(__nv_bfloat16 x)
{
    return __bfloat162float(x);
}
__device__ float widened(std::int8_t x)
{
    return static_cast<float>(x);
}

struct DenseStepArguments {
    int N, K;
    StepInput input;
    StepOutput output;
    const float* rowScales; ///< [N] or null
    float softcap;
};

/// sum_k w_k x_k of a warp's row, the lane's part; kVectors: rows begin at 16 bytes. A lane takes at most 8 elements at
/// a time: with more, lanes would wait for each other at the banks of shared memory.
template<class T, bool kVectors>
__device__ void dot(const T* const (&rows)[kRows], const float* x, int K, float (&sums)[kRows])
{
    const int lane = static_cast<int>(threadIdx.x) % 32;
    if (!kVectors) {
        for (int k = lane; k < K; k += 32)
#pragma unroll
            for (int r = 0; r < kRows; ++r)
                sums[r] = fmaf(widened(__ldcs(rows[r] + k)), x[k], sums[r]);
        return;
    }
    using Packed = std::conditional_t<sizeof(T) == 1, uint2, uint4>;
    constexpr int kWide = static_cast<int>(sizeof(Packed) / sizeof(T));
#pragma unroll 4
    for (int k = lane * kWide; k < K; k += 32 * kWide) {
        Packed packed[kRows];
#pragma unroll
        for (int r = 0; r < kRows; ++r)
            packed[r] = __ldcs(reinterpret_cast<const Packed*>(rows[r] + k));
        float values[kWide];
#pragma unroll
        for (int i = 0; i < kWide; ++i)
            values[i] = x[k + i];
#pragma unroll
        for (int r = 0; r < kRows; ++r) {
            T own[kWide];
            memcpy(own, &packed[r], sizeof own);
#pragma unroll
            for (int i = 0; i < kWide; ++i)
                sums[r] = fmaf(widened(own[i]), values[i], sums[r]);
        }
    }
}

template<class T, StepInputKind kKind, bool kVectors>
__global__ void __launch_bounds__(kDenseWarps * 32) denseStepKernel(DenseStepArguments p, const T* weight)
{
    extern __shared__ __align__(16) float denseInput[];
    __shared__ float scratch[2 * kDenseWarps];
    allowSuccessor();
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int warp = static_cast<int>(blockIdx.x) * kDenseWarps + static_cast<int>(threadIdx.x) / 32;
    waitForPredecessor();
    InputNorm norm;
    if (kKind == StepInputKind::Layer)
        norm = normOf<kKind, kDenseWarps>(p.input, p.K, scratch);
    float squares = 0;
    for (int k = 8 * static_cast<int>(threadIdx.x); k < p.K; k += 8 * kDenseWarps * 32) {
        float v[8], plain[8];
        inputEight<kKind>(p.input, norm, k, p.K, v, plain);
#pragma unroll
        for (int i = 0; i < 8; ++i) {
            if (k + i < p.K)
                denseInput[k + i] = v[i];
            squares += plain[i] * plain[i];
        }
    }
    if (kKind == StepInputKind::Rms) // of the whole sum, below
        norm.scale = rsqrtf(sumOfBlock<kDenseWarps>(squares, scratch) / static_cast<float>(p.K) + p.input.epsilon);
    const float scale = kKind == StepInputKind::Rms ? norm.scale : 1.0F;
    __syncthreads();

    const int warps = static_cast<int>(gridDim.x) * kDenseWarps;
    for (int row = warp * kRows; row < p.N; row += warps * kRows) {
        const T* rows[kRows];
#pragma unroll
        for (int r = 0; r < kRows; ++r)
            rows[r] = weight + static_cast<std::ptrdiff_t>(min(row + r, p.N - 1)) * p.K;
        float sums[kRows] = {};
        dot<T, kVectors>(rows, denseInput, p.K, sums);
#pragma unroll
        for (int r = 0; r < kRows; ++r) {
            float y = sumOfWarp(sums[r]) * scale;
            const int out = row + r;
            if (lane != 0 || out >= p.N)
                continue;
            if (p.rowScales != nullptr)
                y *= p.rowScales[out];
            if (p.output.bias != nullptr)
                y += p.output.bias[out];
            if (p.output.residual != nullptr)
                y += __ldcg(p.output.residual + out);
            p.output.y[out] = p.softcap > 0 ? p.softcap * tanhf(y / p.softcap) : y;
        }
    }
}

template<class T, StepInputKind kKind, bool kVectors>
Status runDense(const DenseStepArguments& arguments, const T* weight, const StepLaunch& how)
{
    constexpr auto kernel = denseStepKernel<T, kKind, kVectors>;
    const std::size_t shared = static_cast<std::size_t>(arguments.K) * sizeof(float);
    if (const Status status = allowShared<kernel>(shared); status != Status::Ok)
        return status;
    int device = 0, processors = 0;
    if (const Status status = remember(cudaGetDevice(&device)); status != Status::Ok)
        return status;
    if (const Status status = remember(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device));
        status != Status::Ok)
        return status;
    const int most = (arguments.N + kRows * kDenseWarps - 1) / (kRows * kDenseWarps);
    const int blocks = std::min(most, processors * (shared > 100 * 1024 ? 1 : shared > 32 * 1024 ? 2 : 6));
    return launch(stepLaunch(dim3(blocks), dim3(kDenseWarps * 32), shared, how), kernel, arguments, weight);
}

template<class T> Status dense(const DenseStepArguments& arguments, const void* weight, const StepLaunch& how)
{
    const bool vectors = !misaligned(weight, 16) && static_cast<std::size_t>(arguments.K) * sizeof(T) % 16 == 0;
    return withInputKind(arguments.input.kind, [&](auto kind) {
        return vectors ? runDense<T, kind(), true>(arguments, static_cast<const T*>(weight), how)
                       : runDense<T, kind(), false>(arguments, static_cast<const T*>(weight), how);
    });
}

} // namespace

} // namespace gpu

Status gpuStepDense(const StepMatrix& matrix, const StepInput& input, const StepOutput& output, float softcap,
                    const StepLaunch& how) noexcept
{
    if (matrix.N < 1 || matrix.K < 1)
        return Status::BadShape;
    if (gpu::misaligned(matrix.weight, 4))
        return Status::BadPointer;
    if (const Status status = gpu::checkStep(input, output); status != Status::Ok)
        return status;
    const gpu::DenseStepArguments arguments{matrix.N, matrix.K, input, output, matrix.rowScales, softcap};
    switch (matrix.type) {
    case StepFloat::F32:
        return gpu::dense<float>(arguments, matrix.weight, how);
    case StepFloat::F16:
        return gpu::dense<__half>(arguments, matrix.weight, how);
    case StepFloat::I8:
        return gpu::dense<std::int8_t>(arguments, matrix.weight, how);
    case StepFloat::BF16:
        break;
    }
    return gpu::dense<__nv_bfloat16>(arguments, matrix.weight, how);
}

} // namespace sa::kernels
