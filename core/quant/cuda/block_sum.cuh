// SPDX-License-Identifier: GPL-3.0-or-later
// Sums over the threads of a block in a fixed order.
#pragma once

namespace sa::cuda
{

inline constexpr int kWarp = 32;
inline constexpr int kMaxWarps = 16;
inline constexpr unsigned kAllLanes = 0xffffffffu;

/// totals[i] = sum of values[i] over the block's threads, visible to all of them. All threads of full warps call it.
template<int Count> __device__ void blockSum(double (&values)[Count], double* totals)
{
    __shared__ double partial[kMaxWarps * Count];
    const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp, warps = blockDim.x / kWarp;
#pragma unroll
    for (int i = 0; i < Count; ++i) {
#pragma unroll
        for (int distance = kWarp / 2; distance > 0; distance /= 2)
            values[i] += __shfl_xor_sync(kAllLanes, values[i], distance);
        if (lane == 0)
            partial[warp * Count + i] = values[i];
    }
    __syncthreads();
    if (threadIdx.x < Count) {
        double sum = 0.0;
        for (int w = 0; w < warps; ++w)
            sum += partial[w * Count + threadIdx.x];
        totals[threadIdx.x] = sum;
    }
    __syncthreads();
}

} // namespace sa::cuda
