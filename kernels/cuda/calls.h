// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of gpu.h, each beside its kernels. Arguments are checked.
#pragma once

#include "kernels/cuda/launch.h"
#include "kernels/cuda/tables.h"
#include "sa/kernels/gpu.h"

#include <atomic>
#include <cstdint>

namespace sa::kernels::gpu
{

Status oneBitProduct(const GpuImage& image, const GpuCall& call) noexcept;
Status tableProduct(const GpuImage& image, const GpuCall& call) noexcept;

template<class T> T* at(const void* base, std::size_t offset)
{
    return reinterpret_cast<T*>(const_cast<char*>(static_cast<const char*>(base)) + offset);
}

inline bool misaligned(const void* pointer, std::size_t alignment)
{
    return pointer == nullptr || reinterpret_cast<std::uintptr_t>(pointer) % alignment != 0;
}

/// Raises the limit of dynamic shared memory, once per device and kernel.
template<auto kKernel> Status allowShared(std::size_t bytes)
{
    static std::atomic<std::uint64_t> done{0};
    static std::atomic<std::size_t> allowed{0};
    int device = 0;
    if (const Status status = remember(cudaGetDevice(&device)); status != Status::Ok)
        return status;
    const std::uint64_t bit = std::uint64_t(1) << (device % 64);
    if (bytes <= 48 * 1024 || ((done & bit) != 0 && bytes <= allowed))
        return Status::Ok;
    if (bytes > allowed) {
        allowed = bytes;
        done = 0;
    }
    const Status status = remember(
        cudaFuncSetAttribute(kKernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(allowed.load())));
    if (status == Status::Ok)
        done |= bit;
    return status;
}

} // namespace sa::kernels::gpu
