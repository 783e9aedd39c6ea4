// SPDX-License-Identifier: GPL-3.0-or-later
// The planes of a multiprocessor's work, phase after phase, on their way into a ring in shared memory. One warp asks
// for them, as far ahead as the ring has room, but what nobody waits for yet only a few at a time: loads and stores of
// the phases queue behind what is under way, for 8 us where that is the whole ring.
#pragma once

#include "kernels/cuda/chain_ptx.cuh"
#include "kernels/cuda/chain_tables.h"

namespace sa::kernels::gpu
{

struct ChainArguments {
    const ChainPhase* phases;
    const ChainSource* sources;
    std::uint32_t* epoch; ///< tokens so far, and blocks of threads that have left
    int phaseCount, sourceCount, layers;
    int flightChunks;
    ChainRoom room;
};

struct ChainRing {
    std::uint64_t full[kChainSlots], empty[kChainSlots];
    std::int32_t begin[kChainSlots]; ///< first chunk in the ring
    std::int32_t size[kChainSlots];  ///< chunks, those skipped at the ring's end included
    volatile std::int32_t started;   ///< products whose tiles are being multiplied, or were
};

inline constexpr int kWorkQuads = sizeof(ChainWork) / 16;

/// The whole of warp kChainWarps.
class ChainProducer
{
public:
    __device__ ChainProducer(ChainRing& ring, char* memory, int chunks, int flightChunks)
        : m_ring(ring)
        , m_chunks(chunks)
        , m_mostFlying(flightChunks)
        , m_memory(sharedAddress(memory))
        , m_policy(evictFirst())
    {
    }

    __device__ void run(const ChainArguments& a)
    {
        __shared__ ChainWork work;
        const int lane = static_cast<int>(threadIdx.x) % 32;
        // The description of a product comes while the planes of the one before are asked for, where it is a product
        // earlier.
        ChainSource source = sourceAt(a, 0), next = sourceAt(a, 1);
        uint4 coming = askForWork(source, lane);
        for (int i = 0; i < a.sourceCount; ++i) {
            if (lane < kWorkQuads)
                reinterpret_cast<uint4*>(&work)[lane] = coming;
            __syncwarp();
            const ChainSource now = source;
            m_products = i + 1;
            source = next;
            next = sourceAt(a, i + 2);
            coming = askForWork(source, lane);
            askForPlanes(work, now.planes, static_cast<int>(now.chunks));
            __syncwarp();
        }
    }

private:
    __device__ static ChainSource sourceAt(const ChainArguments& a, int i)
    {
        const auto* from = reinterpret_cast<const uint4*>(a.sources + min(i, a.sourceCount - 1));
        uint4 quads[2] = {readQuad(from), readQuad(from + 1)};
        ChainSource out;
        memcpy(&out, quads, sizeof out);
        return out;
    }
    __device__ static uint4 askForWork(const ChainSource& source, int lane)
    {
        return readQuad(reinterpret_cast<const uint4*>(source.work + blockIdx.x) + min(lane, kWorkQuads - 1));
    }
    __device__ void askForPlanes(const ChainWork& work, const char* planes, int chunks)
    {
        const int lane = static_cast<int>(threadIdx.x) % 32;
        for (int s = 0; s < work.segments; ++s) {
            const ChainSegment segment = work.segment[s];
            const char* source = planes + static_cast<std::size_t>(segment.firstUnit) * kChunkBytes +
                                 static_cast<std::size_t>(lane) * static_cast<std::size_t>(chunks) * kChunkBytes;
            const int bytes = segment.chunks * kChunkBytes;
            for (int left = segment.tiles; left > 0; left -= 1 << segment.tilesLog2) {
                const int tiles = min(left, 1 << segment.tilesLog2);
                const int place = makeRoom(tiles * segment.chunks);
                if (lane == 0)
                    barrierExpect(m_ring.full + place, tiles * bytes);
                __syncwarp();
                if (lane < tiles)
                    copyBulk(m_memory + static_cast<std::uint32_t>(m_begin * kChunkBytes + lane * bytes), source, bytes,
                             m_ring.full + place, m_policy);
                source += (static_cast<std::size_t>(chunks) * kChunkBytes) << segment.tilesLog2;
            }
        }
    }
    /// Waits until a new piece may be asked for; its place among the slots. m_begin: its first chunk in the ring.
    __device__ int makeRoom(int need)
    {
        m_begin = m_head + need > m_chunks ? 0 : m_head;
        const int taken = need + (m_begin == 0 && m_head != 0 ? m_chunks - m_head : 0); // with what is skipped
        while (m_made - m_freed == kChainSlots || m_used + taken > m_chunks) {
            const auto place = static_cast<int>(m_freed % kChainSlots);
            barrierWait(m_ring.empty + place, m_freed / kChainSlots & 1U);
            m_used -= m_ring.size[place];
            if (m_arrived == m_freed) // what was read has come
                arrive(place);
            ++m_freed;
        }
        while (m_arrived != m_made && m_flying + need > m_mostFlying && m_ring.started < m_products) {
            const auto place = static_cast<int>(m_arrived % kChainSlots);
            barrierWait(m_ring.full + place, m_arrived / kChainSlots & 1U);
            arrive(place);
        }
        const auto place = static_cast<int>(m_made % kChainSlots);
        __syncwarp();
        if (threadIdx.x % 32 == 0) {
            m_ring.begin[place] = m_begin;
            m_ring.size[place] = taken;
        }
        m_head = m_begin + need;
        m_used += taken;
        m_flying += taken;
        ++m_made;
        return place;
    }
    __device__ void arrive(int place)
    {
        m_flying -= m_ring.size[place];
        ++m_arrived;
    }

    ChainRing& m_ring;
    int m_chunks; ///< that the ring has room for
    int m_mostFlying;
    int m_products = 0; ///< that planes have been asked for, this one included
    std::uint32_t m_memory;
    std::uint64_t m_policy;
    int m_head = 0, m_used = 0, m_flying = 0, m_begin = 0;
    std::uint32_t m_made = 0, m_freed = 0, m_arrived = 0; ///< pieces
};

} // namespace sa::kernels::gpu
