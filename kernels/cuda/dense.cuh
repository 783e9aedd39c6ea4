// SPDX-License-Identifier: GPL-3.0-or-later
// Dense rows from an image, for products of many tokens.
#pragma once

#include "kernels/cuda/tables.h"
#include "sa/kernels/apot_inline.h"
#include "sa/kernels/one_bit.h"

#include <cuda_fp16.h>

namespace sa::kernels::gpu
{

struct DenseArguments {
    const std::uint32_t* planes;
    const void* scales; ///< PackedScale [groups][q][scaleColumns], or float [columnGroups][q][groups]
    const Group* groupTable;
    const std::int32_t* rowGroups; ///< [N]; tables only
    int N, K, q, C, scaleColumns, groups, chunks;
    int rowBegin, rowEnd;
};

__device__ inline float scaleValue(PackedScale scale)
{
    const auto power = [](int e) { return __int_as_float((e + 127) << 23); }; // e in -69..23
    if (scale >> 10 == 0)
        return 0.0F;
    const int e1 = (scale >> 10) - kScaleExponentBias;
    const auto g2 = static_cast<int>(apot::gap2(scale)), g3 = static_cast<int>(apot::gap3(scale));
    float sum = power(e1);
    if (g2 != 0)
        sum += (scale & apot::kSign2) != 0 ? -power(e1 - g2) : power(e1 - g2);
    if (g2 != 0 && g3 != 0)
        sum += (scale & apot::kSign3) != 0 ? -power(e1 - g2 - g3) : power(e1 - g2 - g3);
    return sum;
}

/// A warp has a row, a lane a column of each word. Grid: rows / 8; block: 256.
template<bool kOneBit, class Out> __global__ void denseKernel(DenseArguments p, Out* out)
{
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int row = p.rowBegin + static_cast<int>(blockIdx.x) * 8 + static_cast<int>(threadIdx.x) / 32;
    if (row >= p.rowEnd)
        return;
    int group = 0;
    if (kOneBit) {
        int high = p.groups;
        while (high - group > 1) {
            const int middle = (group + high) / 2;
            (p.groupTable[middle].rowBegin <= row ? group : high) = middle;
        }
    } else {
        group = p.rowGroups[row];
    }
    const int inGroup = row - p.groupTable[group].rowBegin;
    const int words = (p.K + 31) / 32;
    const std::ptrdiff_t tile = p.groupTable[group].tileBegin + inGroup / onebit::kTileRows;
    for (int t = 0; t < words; ++t) {
        const int k = 32 * t + lane;
        if (k >= p.K)
            break;
        float value = 0.0F;
        for (int b = 0; b < p.q; ++b) {
            const int v = onebit::virtualWord(b, t, p.q, words);
            const std::ptrdiff_t place =
                kOneBit ? (tile * p.chunks + v / onebit::kChunkWords) * onebit::kTileWords +
                              onebit::indexInTile(inGroup % onebit::kTileRows, v % onebit::kChunkWords)
                        : (static_cast<std::ptrdiff_t>(t) * p.q + b) * p.N + row;
            const float alpha =
                kOneBit ? scaleValue(static_cast<const PackedScale*>(
                              p.scales)[(static_cast<std::ptrdiff_t>(group) * p.q + b) * p.scaleColumns + k / p.C])
                        : static_cast<const float*>(
                              p.scales)[(static_cast<std::ptrdiff_t>(k / p.C) * p.q + b) * p.groups + group];
            value += (__ldg(p.planes + place) >> lane & 1U) != 0 ? alpha : -alpha;
        }
        out[static_cast<std::ptrdiff_t>(row - p.rowBegin) * p.K + k] = static_cast<Out>(value);
    }
}

} // namespace sa::kernels::gpu
