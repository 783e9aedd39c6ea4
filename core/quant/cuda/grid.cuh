// SPDX-License-Identifier: GPL-3.0-or-later
// Grids of levels as one warp makes them, and as threads read them.
#pragma once

#include "core/quant/cuda/block_sum.cuh"
#include "core/quant/normal_equations.h"
#include "sa/kernels/apot_inline.h"

namespace sa::cuda
{

/// Room for a grid in shared memory, where nothing may have a constructor.
struct GridStorage {
    alignas(BcqGrid) unsigned char bytes[sizeof(BcqGrid)];
    __device__ BcqGrid& grid() { return *reinterpret_cast<BcqGrid*>(bytes); }
};

/// makeGrid of bcq.h by one full warp: `grid` is in shared memory and ready for this warp when the call returns.
/// `values[b]` is what `words[b]` stands for; both are the same in all lanes.
template<int Q>
__device__ void makeGridByWarp(const kernels::PackedScale (&words)[Q], const Scales& values, BcqGrid& grid,
                               double* sorted)
{
    constexpr int kLevels = 1 << Q;
    const int lane = threadIdx.x % kWarp;
    double sum = 0.0;
#pragma unroll
    for (int b = 0; b < Q; ++b)
        sum += (lane >> b) & 1 ? values[b] : -values[b];
    int rank = 0;
#pragma unroll
    for (int code = 0; code < kLevels; ++code) {
        const double other = __shfl_sync(kAllLanes, sum, code);
        rank += other < sum || (other == sum && code < lane) ? 1 : 0;
    }
    if (lane < kLevels) {
        sorted[rank] = sum;
        grid.codes[rank] = static_cast<std::uint8_t>(lane);
        grid.levels[rank] = static_cast<float>(sum);
    }
    __syncwarp();
    if (lane < kLevels)
        grid.m_midpoints[lane] = lane == 0 ? -INFINITY : static_cast<float>(0.5 * (sorted[lane - 1] + sorted[lane]));
    if (lane == 0) {
        grid.planes = Q;
#pragma unroll
        for (int b = 0; b < Q; ++b)
            grid.scales[b] = words[b];
    }
    __syncwarp();
}

/// The level that a code of this grid stands for.
__device__ inline float levelOf(const BcqGrid& grid, unsigned code)
{
    float level = grid.levels[0];
    for (int l = 1; l < grid.levelCount(); ++l)
        level = grid.codes[l] == code ? grid.levels[l] : level;
    return level;
}

} // namespace sa::cuda
