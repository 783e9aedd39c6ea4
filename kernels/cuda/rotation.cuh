// SPDX-License-Identifier: GPL-3.0-or-later
// The transforms of rotation.h, one block for each row of x. The additions are those of the CPU in the same order.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sa::kernels::gpu
{

inline constexpr int kRotationThreads = 1024;

__device__ inline float shiftedBy(float x, int exponent)
{
    const int e = static_cast<int>((__float_as_uint(x) >> 23) & 0xFFU);
    const bool ordinary = e >= 1 && e <= 254 && e + exponent >= 1 && e + exponent <= 254;
    return ordinary ? __uint_as_float(__float_as_uint(x) + (static_cast<std::uint32_t>(exponent) << 23))
                    : ldexpf(x, exponent);
}

__device__ inline void hadamard(float* x, int b)
{
    for (int h = 1; h < b; h *= 4) {
        for (int i = static_cast<int>(threadIdx.x); i < b / 4; i += kRotationThreads) {
            float* p = x + i / h * 4 * h + i % h;
            const float a0 = p[0], a1 = p[h], a2 = p[2 * h], a3 = p[3 * h];
            const float s0 = a0 + a1, d0 = a0 - a1, s1 = a2 + a3, d1 = a2 - a3;
            p[0] = 0.5F * (s0 + s1);
            p[h] = 0.5F * (d0 + d1);
            p[2 * h] = 0.5F * (s0 - s1);
            p[3 * h] = 0.5F * (d0 - d1);
        }
        __syncthreads();
    }
}

/// kShared: the row is worked on in shared memory, n floats. signs: null for a shift alone.
template<bool kShared>
__global__ void __launch_bounds__(kRotationThreads)
    rotationKernel(const std::int8_t* exponents, const std::uint32_t* signs, int n, int window, bool back, float* x,
                   std::ptrdiff_t stride)
{
    extern __shared__ float rowMemory[];
    float* const in = x + static_cast<std::ptrdiff_t>(blockIdx.x) * stride;
    float* const row = kShared ? rowMemory : in;
    const auto flipped = [&](float value, int k) {
        return __uint_as_float(__float_as_uint(value) ^ (signs[k / 32] >> (k % 32) & 1U) << 31);
    };
    for (int k = static_cast<int>(threadIdx.x); k < n; k += kRotationThreads) {
        float value = in[k];
        if (exponents != nullptr)
            value = shiftedBy(value, exponents[k]);
        if (signs != nullptr && !back)
            value = flipped(value, k);
        row[k] = value;
    }
    __syncthreads();
    if (signs != nullptr) {
        const int windows = (n + window - 1) / window;
        for (int i = 0; i < windows; ++i) {
            const int begin = (back ? windows - 1 - i : i) * window;
            hadamard(row + (begin + window <= n ? begin : n - window), window);
        }
    }
    for (int k = static_cast<int>(threadIdx.x); k < n; k += kRotationThreads)
        in[k] = signs != nullptr && back ? flipped(row[k], k) : row[k];
}

} // namespace sa::kernels::gpu
