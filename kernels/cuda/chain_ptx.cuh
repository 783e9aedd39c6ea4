// SPDX-License-Identifier: GPL-3.0-or-later
// Bulk copies, their barriers, and marked numbers: what multiprocessors tell each other within a launch.
#pragma once

#include "kernels/cuda/ptx.cuh"

namespace sa::kernels::gpu
{

__device__ inline void barrierInit(std::uint64_t* barrier, int count)
{
    asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(sharedAddress(barrier)), "r"(count) : "memory");
}
__device__ inline void barrierInitDone()
{
#if __CUDA_ARCH__ >= 900
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
#endif
}
__device__ inline void barrierExpect([[maybe_unused]] std::uint64_t* barrier, [[maybe_unused]] int bytes)
{
#if __CUDA_ARCH__ >= 900
    asm volatile("mbarrier.arrive.expect_tx.shared.b64 _, [%0], %1;" ::"r"(sharedAddress(barrier)), "r"(bytes)
                 : "memory");
#endif
}
__device__ inline void barrierArrive([[maybe_unused]] std::uint64_t* barrier, [[maybe_unused]] int count)
{
#if __CUDA_ARCH__ >= 900
    asm volatile("mbarrier.arrive.shared.b64 _, [%0], %1;" ::"r"(sharedAddress(barrier)), "r"(count) : "memory");
#endif
}
__device__ inline bool barrierReached([[maybe_unused]] std::uint64_t* barrier, [[maybe_unused]] std::uint32_t parity)
{
    std::uint32_t reached = 1;
#if __CUDA_ARCH__ >= 900
    asm volatile("{\n .reg .pred p;\n mbarrier.try_wait.parity.shared.b64 p, [%1], %2;\n selp.u32 %0, 1, 0, p;\n}"
                 : "=r"(reached)
                 : "r"(sharedAddress(barrier)), "r"(parity)
                 : "memory");
#endif
    return reached != 0;
}
__device__ inline void barrierWait(std::uint64_t* barrier, std::uint32_t parity)
{
    while (!barrierReached(barrier, parity)) {
    }
}
/// For a whole warp: one lane looks, since looks of all lanes hold the copies up.
__device__ inline void barrierWaitOfWarp(std::uint64_t* barrier, std::uint32_t parity)
{
    if (threadIdx.x % 32 == 0)
        barrierWait(barrier, parity);
    __syncwarp();
}

/// Bytes, a multiple of 16, into shared memory by the copy engine; counted by the barrier.
__device__ inline void copyBulk([[maybe_unused]] std::uint32_t target, [[maybe_unused]] const void* source,
                                [[maybe_unused]] int bytes, [[maybe_unused]] std::uint64_t* barrier,
                                [[maybe_unused]] std::uint64_t policy)
{
#if __CUDA_ARCH__ >= 900
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1], %2, "
                 "[%3], %4;" ::"r"(target),
                 "l"(source), "r"(bytes), "r"(sharedAddress(barrier)), "l"(policy)
                 : "memory");
#endif
}

// A number that another multiprocessor waits for is a word of its own that says whether it is there: a float32 without
// its last bit, which is the mark, or a float32 beside a mark of 32 bits. Such words need no order among each other.

/// Constants that are asked for where this stands, not where they are used.
__device__ inline uint4 readQuad(const uint4* from)
{
    uint4 v;
    asm volatile("ld.global.nc.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(from));
    return v;
}
__device__ inline float readConstant(const float* from)
{
    float v;
    asm volatile("ld.global.nc.f32 %0, [%1];" : "=f"(v) : "l"(from));
    return v;
}

__device__ inline uint4 readFour(const float* from)
{
    uint4 v;
    asm volatile("ld.relaxed.gpu.global.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(from)
                 : "memory");
    return v;
}
__device__ inline std::uint32_t readOne(const float* from)
{
    std::uint32_t v;
    asm volatile("ld.relaxed.gpu.global.u32 %0, [%1];" : "=r"(v) : "l"(from) : "memory");
    return v;
}
__device__ inline unsigned long long readWide(const unsigned long long* from)
{
    unsigned long long v;
    asm volatile("ld.relaxed.gpu.global.u64 %0, [%1];" : "=l"(v) : "l"(from) : "memory");
    return v;
}
__device__ inline void readTwoWide(const unsigned long long* from, unsigned long long& a, unsigned long long& b)
{
    asm volatile("ld.relaxed.gpu.global.v2.u64 {%0, %1}, [%2];" : "=l"(a), "=l"(b) : "l"(from) : "memory");
}
__device__ inline void writeOne(float* to, std::uint32_t v)
{
    asm volatile("st.relaxed.gpu.global.u32 [%0], %1;" ::"l"(to), "r"(v) : "memory");
}
__device__ inline void writeWide(unsigned long long* to, unsigned long long v)
{
    asm volatile("st.relaxed.gpu.global.u64 [%0], %1;" ::"l"(to), "l"(v) : "memory");
}

/// Rounded to 23 bits of mantissa; the mark is bit 0.
__device__ inline std::uint32_t marked(float value, std::uint32_t mark)
{
    constexpr std::uint32_t kNaN = 0x7FC00000U; // the device's own has all bits, which would round to 0
    const std::uint32_t rounded = isnan(value) ? kNaN : __float_as_uint(value) + 1U;
    return (rounded & ~1U) | mark;
}
__device__ inline float unmarked(std::uint32_t word)
{
    return __uint_as_float(word & ~1U);
}
__device__ inline unsigned long long widelyMarked(float value, std::uint32_t mark)
{
    return static_cast<unsigned long long>(mark) << 32 | __float_as_uint(value);
}
__device__ inline bool hasMark(unsigned long long word, std::uint32_t mark)
{
    return static_cast<std::uint32_t>(word >> 32) == mark;
}
__device__ inline float valueOf(unsigned long long word)
{
    return __uint_as_float(static_cast<std::uint32_t>(word));
}

/// Ends a launch in which something never comes, instead of leaving the device hanging.
class Patience
{
public:
    __device__ void again()
    {
        if (++m_rounds > kMost)
            __trap();
    }

private:
    static constexpr int kMost = 1 << 24; // of half a microsecond or more
    int m_rounds = 0;
};

} // namespace sa::kernels::gpu
