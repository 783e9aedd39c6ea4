// SPDX-License-Identifier: GPL-3.0-or-later
// What the one-bit kernels share: the walk through a range of chunks, the counts of a tile folded into sums, and the
// form in which sums of parts are joined in memory.
#pragma once

#include "kernels/cuda/ptx.cuh"
#include "kernels/cuda/tables.h"

namespace sa::kernels::gpu
{

/// An accumulator holds the chunks that were added, above the sum of their counts made positive: |P| <= 2^31 a chunk.
inline constexpr int kCountShift = 54;
inline constexpr int kBiasShift = 32;

__device__ inline int scaleColumn(int k, int C)
{
    return C == 1 ? k : C == 8 ? k / 8 : k / C;
}

/// Walks the chunks of a range through segments and tiles.
class SourceCursor
{
public:
    __device__ SourceCursor(const char* planes, int tileChunks, const Segment* segments, int unit)
        : m_planes(planes)
        , m_tileChunks(tileChunks)
        , m_segments(segments)
    {
        while (unit >= segments[m_index].unitBegin + segments[m_index].tiles * segments[m_index].chunks)
            ++m_index;
        enter();
        const int local = unit - segments[m_index].unitBegin;
        m_tile = local / m_chunks;
        aim(local - m_tile * m_chunks);
    }
    __device__ const char* source() const { return m_source; }
    __device__ int left() const { return m_left; }
    __device__ void advance()
    {
        m_source += kChunkBytes;
        if (--m_left != 0)
            return;
        if (++m_tile == m_tiles) {
            ++m_index;
            m_tile = 0;
            enter();
        }
        aim(0);
    }

private:
    // The segment is kept in registers: read through a pointer that moves on, nvcc 13.0 took the old segment's fields
    // for the new one's.
    __device__ void enter()
    {
        const Segment& segment = m_segments[m_index];
        m_tiles = segment.tiles;
        m_tileBegin = segment.tileBegin;
        m_chunkBegin = segment.chunkBegin;
        m_chunks = segment.chunks;
    }
    __device__ void aim(int chunk)
    {
        const long long tile = m_tileBegin + m_tile;
        m_source = m_planes + (tile * m_tileChunks + m_chunkBegin + chunk) * kChunkBytes;
        m_left = m_chunks - chunk;
    }

    const char* m_planes;
    int m_tileChunks;
    const Segment* m_segments;
    int m_index = 0;
    int m_tiles = 0, m_tileBegin = 0, m_chunkBegin = 0, m_chunks = 0;
    const char* m_source = nullptr;
    int m_tile = 0, m_left = 0;
};

/// The counts of one token folded over the planes: lane t of a row's four gets the sum of the row for t % 2 = 0, of the
/// row 8 below for 1, where t / 2 is `pair`; others keep what is in `mine`.
__device__ inline void foldPlanes(const std::int32_t (&c)[3][4], int pair, long long& mine)
{
    const int t = static_cast<int>(threadIdx.x) % 4;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
        // Planes 8 i + 2 t and the next; the last plane of all is the sign.
        long long sum = c[0][2 * half] + 2LL * c[0][2 * half + 1];
        sum += (c[1][2 * half] + 2LL * c[1][2 * half + 1]) << 8;
        sum += (c[2][2 * half] + (t == 3 ? -2LL : 2LL) * c[2][2 * half + 1]) << 16;
        sum <<= 2 * t;
        sum += __shfl_xor_sync(kAllLanes, sum, 1);
        sum += __shfl_xor_sync(kAllLanes, sum, 2);
        if (t == 2 * pair + half)
            mine = sum;
    }
}

/// Adds what `count` of `all` chunks gave; true for who was last, with the whole in `sum` and the place 0 again.
__device__ inline bool joinSums(unsigned long long* place, int count, int all, long long& sum)
{
    const unsigned long long part = (static_cast<unsigned long long>(count) << kCountShift) +
                                    (static_cast<unsigned long long>(count) << kBiasShift) +
                                    static_cast<unsigned long long>(sum);
    const unsigned long long joined = atomicAdd(place, part) + part;
    if (static_cast<int>(joined >> kCountShift) != all)
        return false;
    sum = static_cast<long long>((joined & ((1ULL << kCountShift) - 1)) -
                                 (static_cast<unsigned long long>(all) << kBiasShift));
    *place = 0;
    return true;
}

} // namespace sa::kernels::gpu
