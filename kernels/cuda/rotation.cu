// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/rotation.cuh"

#include "kernels/cuda/calls.h"
#include "sa/kernels/rotation.h"

namespace sa::kernels
{

namespace gpu
{

namespace
{

Status rotateRows(const std::int8_t* exponents, const std::uint32_t* signs, int n, float* x, int M,
                  std::ptrdiff_t stride, bool back, void* stream)
{
    if (n < 1 || M < 0 || (M > 1 && stride < n))
        return Status::BadShape;
    if (M == 0)
        return Status::Ok;
    if (x == nullptr)
        return Status::BadPointer;
    int device = 0, most = 0;
    if (const Status status = remember(cudaGetDevice(&device)); status != Status::Ok)
        return status;
    if (const Status status = remember(cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
        status != Status::Ok)
        return status;
    const std::size_t bytes = static_cast<std::size_t>(n) * sizeof(float);
    const bool shared = bytes <= static_cast<std::size_t>(most);
    const Launch how{dim3(M), dim3(kRotationThreads), shared ? bytes : 0, static_cast<cudaStream_t>(stream)};
    const int window = rotationWindow(n);
    if (!shared)
        return launch(how, rotationKernel<false>, exponents, signs, n, window, back, x, stride);
    if (const Status status = allowShared<rotationKernel<true>>(bytes); status != Status::Ok)
        return status;
    return launch(how, rotationKernel<true>, exponents, signs, n, window, back, x, stride);
}

} // namespace

} // namespace gpu

Status gpuShiftAndRotate(const std::int8_t* exponents, const std::uint32_t* signs, int n, float* x, int M,
                         std::ptrdiff_t stride, void* stream) noexcept
{
    return gpu::rotateRows(exponents, signs, n, x, M, stride, false, stream);
}

Status gpuRotateBack(const std::uint32_t* signs, int n, float* x, int M, std::ptrdiff_t stride, void* stream) noexcept
{
    if (signs == nullptr)
        return Status::BadPointer;
    return gpu::rotateRows(nullptr, signs, n, x, M, stride, true, stream);
}

} // namespace sa::kernels
