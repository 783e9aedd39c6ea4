// SPDX-License-Identifier: GPL-3.0-or-later
// Attention of one query by warps: each has keys of its own and a running softmax over them.
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

/// Keys and values that a warp has under way together; of 32 kPer elements, d of which there are.
template<int kPer> inline constexpr int kKeysTogether = kPer <= 4 ? 4 : 2;
template<int kPer> struct KeyBatch {
    static constexpr int kTogether = kKeysTogether<kPer>;
    float k[kTogether][kPer], v[kTogether][kPer];

    /// Keys j0, j0 + step, ... below `past`, which is not 0.
    __device__ void load(const float* keys, const float* values, int d, int j0, int step, int past)
    {
        const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
        for (int u = 0; u < kTogether; ++u) {
#pragma unroll
            for (int i = 0; i < kPer; ++i) {
                // What lies outside is loaded from inside: loads that nothing decides about fly together.
                const std::ptrdiff_t at =
                    static_cast<std::ptrdiff_t>(min(j0 + u * step, past - 1)) * d + min(lane + 32 * i, d - 1);
                k[u][i] = __ldcg(keys + at);
                v[u][i] = __ldcg(values + at);
            }
        }
    }
    /// scored(dot of a lane, key): the score, the same in all lanes.
    template<class Scored>
    __device__ void mixInto(RunningMix<kPer>& mix, const float (&q)[kPer], int j0, int step, int past, Scored scored)
    {
#pragma unroll
        for (int u = 0; u < kTogether; ++u) {
            float dot = 0;
#pragma unroll
            for (int i = 0; i < kPer; ++i)
                dot = fmaf(q[i], k[u][i], dot);
            const float score = scored(dot, j0 + u * step);
            if (j0 + u * step < past)
                mix.add(score, v[u]);
        }
    }
};

} // namespace sa::kernels::gpu
