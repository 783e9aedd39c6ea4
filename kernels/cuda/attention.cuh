// SPDX-License-Identifier: GPL-3.0-or-later
// What both ways to attend with one query share: the cut of the keys, and a softmax over those of a warp.
#pragma once

#include "kernels/cuda/step_input.cuh"

#include <cfloat>

namespace sa::kernels::gpu
{

/// Fewer keys than this are not worth another part in the joining.
inline constexpr int kLeastKeys = 32;

struct KeysOfPart {
    int begin, end; ///< empty for parts that are not needed
    int parts;      ///< that have keys
};
__device__ inline KeysOfPart keysOfPart(int position, int window, int part, int mostParts)
{
    const int first = window > 0 ? max(0, position + 1 - window) : 0;
    const int count = position + 1 - first;
    const int each = max(kLeastKeys, (count + mostParts - 1) / mostParts);
    return {first + part * each, min(position + 1, first + (part + 1) * each), (count + each - 1) / each};
}

/// A softmax that is not finished: the largest score, the sum of exponentials below it, the values weighed with them.
template<int kPer> struct RunningMix {
    float most = -FLT_MAX, sum = 0;
    float values[kPer] = {};

    __device__ void add(float score, const float (&value)[kPer])
    {
        const float next = fmaxf(most, score);
        const float before = expf(most - next), own = expf(score - next);
        sum = sum * before + own;
#pragma unroll
        for (int i = 0; i < kPer; ++i)
            values[i] = values[i] * before + own * value[i];
        most = next;
    }
};

} // namespace sa::kernels::gpu
