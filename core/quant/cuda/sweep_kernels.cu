// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/cuda/sweep_kernels.h"

#include "core/quant/cuda/refit_kernel.cuh"
#include "core/quant/cuda/step_kernel.cuh"

#include <algorithm>
#include <cuda_runtime.h>

namespace sa::cuda
{

namespace
{

constexpr int kGroupThreads = kMaxWarps * kWarp;

template<int Q>
__global__ void __launch_bounds__(kGroupThreads)
    fitKernel(const SweepArrays arrays, const BlockPlace block, int rounds, int terms)
{
    fitGroup<Q>(arrays, block, rounds, terms);
}

template<int Q>
__global__ void __launch_bounds__(kGroupThreads)
    refitKernel(const SweepArrays arrays, const BlockPlace block, int terms)
{
    refitGroup<Q>(arrays, block, terms);
}

template<int Columns, bool Refine>
__global__ void __launch_bounds__(kStepRows* kStepSlices)
    stepKernel(const SweepArrays arrays, std::int64_t spanBegin, const BlockPlace done, const BlockPlace next)
{
    const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * kStepRows + threadIdx.x;
    if (done.count > 0) {
        if (threadIdx.y == 0 && row < arrays.rows) {
            if constexpr (Refine)
                recodeRow(arrays, spanBegin, done, row);
            else
                codeRow(arrays, spanBegin, done, row);
        }
        __syncthreads();
    }
    if (next.count > 0)
        prepareBlock<Columns>(arrays, spanBegin, next, Refine ? 1.0f : -1.0f);
}

/// Threads for a group of average size: whole warps, about eight values each.
int threadsFor(const SweepArrays& arrays, const BlockPlace& block)
{
    const std::int64_t values = arrays.rows * block.count / std::max<std::int64_t>(1, arrays.groups);
    const std::int64_t warps = (values + 8 * kWarp - 1) / (8 * kWarp);
    return static_cast<int>(std::clamp<std::int64_t>(warps, 1, kMaxWarps)) * kWarp;
}

template<bool Refine>
void launchStep(const SweepArrays& arrays, std::int64_t spanBegin, const BlockPlace& done, const BlockPlace& next)
{
    const auto blocks = static_cast<unsigned>((arrays.rows + kStepRows - 1) / kStepRows);
    const dim3 threads(kStepRows, kStepSlices);
    if (next.count > 1)
        stepKernel<8, Refine><<<blocks, threads>>>(arrays, spanBegin, done, next);
    else
        stepKernel<1, Refine><<<blocks, threads>>>(arrays, spanBegin, done, next);
}

} // namespace

void sweepStep(const SweepArrays& arrays, std::int64_t spanBegin, const BlockPlace& done, const BlockPlace& next)
{
    launchStep<false>(arrays, spanBegin, done, next);
}

void refineStep(const SweepArrays& arrays, std::int64_t spanBegin, const BlockPlace& done, const BlockPlace& next)
{
    launchStep<true>(arrays, spanBegin, done, next);
}

void fitGrids(const SweepArrays& arrays, const BlockPlace& block, const BcqOptions& options)
{
    const auto groups = static_cast<unsigned>(arrays.groups);
    const int threads = threadsFor(arrays, block);
    switch (options.planes) {
    case 1:
        return fitKernel<1><<<groups, threads>>>(arrays, block, options.rounds, options.apotTerms);
    case 2:
        return fitKernel<2><<<groups, threads>>>(arrays, block, options.rounds, options.apotTerms);
    case 3:
        return fitKernel<3><<<groups, threads>>>(arrays, block, options.rounds, options.apotTerms);
    default:
        return fitKernel<4><<<groups, threads>>>(arrays, block, options.rounds, options.apotTerms);
    }
}

void refitGrids(const SweepArrays& arrays, const BlockPlace& block, const BcqOptions& options)
{
    const auto groups = static_cast<unsigned>(arrays.groups);
    const int threads = threadsFor(arrays, block);
    switch (options.planes) {
    case 1:
        return refitKernel<1><<<groups, threads>>>(arrays, block, options.apotTerms);
    case 2:
        return refitKernel<2><<<groups, threads>>>(arrays, block, options.apotTerms);
    case 3:
        return refitKernel<3><<<groups, threads>>>(arrays, block, options.apotTerms);
    default:
        return refitKernel<4><<<groups, threads>>>(arrays, block, options.apotTerms);
    }
}

void useDevice(int index)
{
    if (index >= 0)
        cudaSetDevice(index);
}

void synchronize()
{
    cudaDeviceSynchronize();
}

std::uint64_t freeBytes()
{
    std::size_t free = 0, total = 0;
    return cudaMemGetInfo(&free, &total) == cudaSuccess ? free : 0;
}

std::string takeError()
{
    const cudaError_t error = cudaGetLastError();
    return error == cudaSuccess ? std::string() : cudaGetErrorString(error);
}

} // namespace sa::cuda
