// SPDX-License-Identifier: GPL-3.0-or-later
// The product by tables of the 16 signed sums of 4 columns. A table lies in 16 banks, so that a warp's look-ups never
// collide. It needs nothing of a device but shared memory, and takes any geometry.
#pragma once

#include "kernels/cuda/tables.h"

#include <cstddef>
#include <cstdint>

namespace sa::kernels::gpu
{

struct TableArguments {
    const std::uint32_t* planes;   ///< [ceil(K/32)][q][N]
    const float* scales;           ///< [columnGroups][q][groups]
    const std::int32_t* rowGroups; ///< [N]
    const RowBlock* blocks;
    int N, K, q, C, groups, slices;
    const float* x;  ///< [M][K]
    float* partials; ///< [slices][M][N]
};

inline constexpr int kTableWords = kSlabColumns / 32;

/// Grid: row blocks x slices x tokens; a thread has a row. With kPerColumn every plane has tables of its own, of
/// activations times their scales; without, all planes share tables and the sum of 8 columns is multiplied.
template<bool kPerColumn> __global__ void __launch_bounds__(kBlockRows) tableKernel(TableArguments p)
{
    constexpr int kTables = kSlabColumns / 4;
    extern __shared__ float tables[]; // [planes][kTables][16]
    const RowBlock block = p.blocks[blockIdx.x];
    const int slice = static_cast<int>(blockIdx.y), token = static_cast<int>(blockIdx.z);
    const int slabs = (p.K + kSlabColumns - 1) / kSlabColumns;
    const auto begin = static_cast<int>(static_cast<long long>(slabs) * slice / p.slices);
    const auto end = static_cast<int>(static_cast<long long>(slabs) * (slice + 1) / p.slices);
    const bool active = static_cast<int>(threadIdx.x) < block.rows;
    const int row = block.rowBegin + (active ? static_cast<int>(threadIdx.x) : 0);
    const int group = kPerColumn ? block.group : p.rowGroups[row];
    const float* x = p.x + static_cast<std::ptrdiff_t>(token) * p.K;
    const int words = (p.K + 31) / 32;
    float total = 0.0F;
    for (int slab = begin; slab < end; ++slab) {
        const int firstWord = slab * kTableWords;
        const int wordCount = min(kTableWords, words - firstWord);
        __syncthreads();
        for (int i = static_cast<int>(threadIdx.x); i < (kPerColumn ? p.q : 1) * kTables; i += kBlockRows) {
            const int b = i / kTables, k = slab * kSlabColumns + 4 * (i % kTables);
            float v[4];
#pragma unroll
            for (int j = 0; j < 4; ++j) {
                v[j] = k + j < p.K ? x[k + j] : 0.0F;
                if (kPerColumn && k + j < p.K)
                    v[j] *= p.scales[(static_cast<std::ptrdiff_t>(k + j) * p.q + b) * p.groups + group];
            }
#pragma unroll
            for (int u = 0; u < 16; ++u)
                tables[i * 16 + u] = ((u & 1 ? v[0] : -v[0]) + (u & 2 ? v[1] : -v[1])) +
                                     ((u & 4 ? v[2] : -v[2]) + (u & 8 ? v[3] : -v[3]));
        }
        __syncthreads();
        float sum = 0.0F;
        for (int b = 0; b < p.q; ++b) {
            std::uint32_t bits[kTableWords];
#pragma unroll
            for (int t = 0; t < kTableWords; ++t)
                bits[t] = t < wordCount
                              ? __ldcs(p.planes + (static_cast<std::ptrdiff_t>(firstWord + t) * p.q + b) * p.N + row)
                              : 0;
            const float* mine = tables + (kPerColumn ? b * kTables * 16 : 0);
#pragma unroll
            for (int t = 0; t < kTableWords; ++t) {
#pragma unroll
                for (int byte = 0; byte < 4; ++byte) {
                    const float* low = mine + (t * 8 + byte * 2) * 16;
                    const float pair = low[bits[t] >> (8 * byte) & 15U] + low[16 + (bits[t] >> (8 * byte + 4) & 15U)];
                    if (kPerColumn) {
                        sum += pair;
                    } else {
                        const int k = min((firstWord + t) * 32 + 8 * byte, p.K - 1); // past K the tables are 0
                        sum =
                            fmaf(__ldg(p.scales + (static_cast<std::ptrdiff_t>(k / p.C) * p.q + b) * p.groups + group),
                                 pair, sum);
                    }
                }
            }
        }
        total += sum;
    }
    if (active)
        p.partials[(static_cast<std::ptrdiff_t>(slice) * gridDim.z + token) * p.N + row] = total;
}

/// y = partials, slice by slice, and the bias. Grid: rows / 256 x tokens.
static __global__ void joinKernel(const float* partials, int slices, int N, const float* bias, float* y,
                                  std::ptrdiff_t ldy)
{
    const int row = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (row >= N)
        return;
    float sum = 0.0F;
    for (int s = 0; s < slices; ++s)
        sum += partials[(static_cast<std::ptrdiff_t>(s) * gridDim.y + blockIdx.y) * N + row];
    y[blockIdx.y * ldy + row] = sum + (bias == nullptr ? 0.0F : bias[row]);
}

} // namespace sa::kernels::gpu
