// SPDX-License-Identifier: GPL-3.0-or-later
// The instructions that C++ has no words for.
#pragma once

#include <cstdint>

namespace sa::kernels::gpu
{

inline constexpr unsigned kAllLanes = 0xFFFFFFFFU;

__device__ inline std::uint32_t sharedAddress(const void* pointer)
{
    return static_cast<std::uint32_t>(__cvta_generic_to_shared(pointer));
}

/// Planes are read once: they should not drive the operand, the activations and the cache of keys out.
__device__ inline std::uint64_t evictFirst()
{
    std::uint64_t policy = 0;
#if __CUDA_ARCH__ >= 800
    asm("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;" : "=l"(policy));
#endif
    return policy;
}

/// 16 bytes into shared memory, past the first-level cache; seen by the same thread after copyWait.
__device__ inline void copyAsync(std::uint32_t target, const void* source, [[maybe_unused]] std::uint64_t policy)
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.cg.shared.global.L2::cache_hint [%0], [%1], 16, %2;" ::"r"(target), "l"(source), "l"(policy)
                 : "memory");
#endif
}

__device__ inline void copyAsync([[maybe_unused]] std::uint32_t target, [[maybe_unused]] const void* source)
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(target), "l"(source) : "memory");
#endif
}

__device__ inline void copyCommit()
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

/// Waits until at most kPending of this thread's groups are under way.
template<int kPending> __device__ inline void copyWait()
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
#endif
}

/// Asks the second-level cache for `bytes`, a multiple of 16.
__device__ inline void prefetchL2([[maybe_unused]] const void* source, [[maybe_unused]] std::uint32_t bytes)
{
#if __CUDA_ARCH__ >= 900
    asm volatile("cp.async.bulk.prefetch.L2.global [%0], %1;" ::"l"(source), "r"(bytes) : "memory");
#endif
}

/// Asks the second-level cache for the 128 bytes around `source`.
__device__ inline void touchL2(const void* source)
{
    asm volatile("prefetch.global.L2 [%0];" ::"l"(source));
}

/// Until here nothing may be read that the preceding kernel writes; nothing to do where kernels do not overlap.
__device__ inline void waitForPredecessor()
{
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

__device__ inline void allowSuccessor()
{
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

/// c += popcount(a AND b) over 256 columns, 16 rows of a and 8 columns of b.
__device__ inline void countCommonBits(std::int32_t (&c)[4], const uint4& a, const uint2& b)
{
#if __CUDA_ARCH__ >= 800
    asm("mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.and.popc {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
        : "r"(a.x), "r"(a.y), "r"(a.z), "r"(a.w), "r"(b.x), "r"(b.y));
#endif
}

} // namespace sa::kernels::gpu
