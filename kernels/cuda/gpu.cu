// SPDX-License-Identifier: GPL-3.0-or-later
// What the calls of gpu.h share: devices, checks, errors.
#include "sa/kernels/gpu.h"

#include "kernels/cuda/calls.h"

#include <cstring>

namespace sa::kernels
{

namespace gpu
{

namespace
{
thread_local cudaError_t lastError = cudaSuccess;
}

Status remember(cudaError_t error) noexcept
{
    if (error == cudaSuccess)
        return Status::Ok;
    lastError = error;
    cudaGetLastError(); // the next call starts afresh
    return Status::DeviceFailed;
}

} // namespace gpu

int gpuCount() noexcept
{
    int count = 0;
    return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

Status gpuInfo(int index, GpuInfo& out) noexcept
{
    cudaDeviceProp properties;
    if (const Status status = gpu::remember(cudaGetDeviceProperties(&properties, index)); status != Status::Ok)
        return status;
    out.index = index;
    out.architecture = properties.major * 10 + properties.minor;
    out.multiprocessors = properties.multiProcessorCount;
    out.sharedBytes = properties.sharedMemPerBlockOptin;
    out.l2Bytes = static_cast<std::size_t>(properties.l2CacheSize);
    std::strncpy(out.name, properties.name, sizeof out.name - 1);
    out.name[sizeof out.name - 1] = '\0';
    return Status::Ok;
}

Status gpuProduct(const GpuImage& image, const GpuCall& call) noexcept
{
    if (call.M < 1 || call.M > kGpuMaxTokens || (call.M > 1 && call.ldy < image.N))
        return Status::BadShape;
    if (gpu::misaligned(call.image, 256) || gpu::misaligned(call.x, 4) || gpu::misaligned(call.y, 4) ||
        (call.bias != nullptr && gpu::misaligned(call.bias, 4)) || gpu::misaligned(call.buffers.scratch, 256))
        return Status::BadPointer;
    if (image.path == GpuPath::OneBit)
        return gpu::misaligned(call.buffers.zeroed, 256) ? Status::BadPointer : gpu::oneBitProduct(image, call);
    return gpu::tableProduct(image, call);
}

const char* gpuLastError() noexcept
{
    return gpu::lastError == cudaSuccess ? "" : cudaGetErrorString(gpu::lastError);
}

} // namespace sa::kernels
