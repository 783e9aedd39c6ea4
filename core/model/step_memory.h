// SPDX-License-Identifier: GPL-3.0-or-later
// Memory of one token's way through the blocks, for threads that go it together. Kept between tokens.
#pragma once

#include "core/model/config.h"

#include <algorithm>
#include <array>
#include <vector>

namespace sa
{

/// Vectors without an owner are shared: written in one stage, read in later ones. Every thread has its own copy of what
/// is cheap to compute, so that nobody waits for it.
class StepMemory
{
public:
    struct Own {
        float* state;  ///< [hidden] the residual stream
        float* normed; ///< [hidden]
        float* spare;  ///< [hidden]
        float* scores; ///< [capacity] of one head
    };

    /// Larger than before or not: what was there is gone.
    void arrange(const ModelConfig& c, std::int64_t capacity, int threads)
    {
        const std::int64_t attention = c.heads * c.headDim, keys = c.kvHeads * c.headDim;
        const std::int64_t widest = std::max({c.hidden, attention, c.intermediate});
        const std::array<std::int64_t, 6> shared{3 * attention, keys, keys, attention, c.hidden, c.intermediate};
        std::int64_t total = rounded(c.intermediate) + static_cast<std::int64_t>(kLinearRoles) * rounded(widest);
        for (const std::int64_t size : shared)
            total += rounded(size);
        total += threads * (3 * rounded(c.hidden) + rounded(capacity));
        m_floats.resize(static_cast<std::size_t>(total));
        m_threads.resize(static_cast<std::size_t>(threads));
        float* at = m_floats.data();
        const auto take = [&at](std::int64_t size) {
            float* begin = at;
            at += rounded(size);
            return begin;
        };
        query = take(shared[0]);
        key = take(shared[1]);
        value = take(shared[2]);
        mixed = take(shared[3]);
        branch = take(shared[4]);
        inner = take(shared[5]);
        up = take(c.intermediate);
        for (float*& buffer : prepared)
            buffer = take(widest);
        for (Own& own : m_threads)
            own = {take(c.hidden), take(c.hidden), take(c.hidden), take(capacity)};
    }
    const Own& own(int rank) const { return m_threads[static_cast<std::size_t>(rank)]; }

    float* query = nullptr;                         ///< [heads * d], or all three where they are one linear
    float *key = nullptr, *value = nullptr;         ///< [kvHeads * d]
    float* mixed = nullptr;                         ///< [heads * d]
    float* branch = nullptr;                        ///< [hidden]
    float *inner = nullptr, *up = nullptr;          ///< [intermediate]
    std::array<float*, kLinearRoles> prepared = {}; ///< inputs that a linear wants transformed

private:
    static std::int64_t rounded(std::int64_t floats) { return (floats + 15) / 16 * 16; } // a line of the cache

    std::vector<float> m_floats;
    std::vector<Own> m_threads;
};

} // namespace sa
