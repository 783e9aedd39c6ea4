// SPDX-License-Identifier: GPL-3.0-or-later
// Tables inside an image, written by the host and read by kernels.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sa::kernels::gpu
{

/// Where the next part of an image or of its buffers begins.
inline constexpr std::size_t aligned(std::size_t bytes)
{
    return (bytes + 255) / 256 * 256;
}

/// Rows that share scales.
struct Group {
    std::int32_t rowBegin, rows;
    std::int32_t tileBegin, reserved;
};

/// One-bit: the tiles of one group against one cut of K. Units follow each other tile by tile.
struct Segment {
    std::int32_t unitBegin; ///< over all segments
    std::int32_t group;
    std::int32_t rowBegin, rows;
    std::int32_t tileBegin, tiles;
    std::int32_t chunkBegin, chunks;
};

/// One-bit: the units of one block, and the segments that hold them; the first two are here again, so that a block
/// knows its work after one load.
struct Range {
    std::int32_t unitBegin, unitEnd;
    std::int32_t segmentBegin, segmentEnd;
    Segment head[2];
};

/// Tables: the rows of one block; the group where all of them are in one.
struct RowBlock {
    std::int32_t rowBegin, rows;
    std::int32_t group;
};

inline constexpr int kWindowSegments = 16; ///< most segments that a block works on between two barriers
inline constexpr int kWarps = 16;          ///< of a one-bit block
inline constexpr int kStages = 8;          ///< chunks in flight per warp, where shared memory is plenty
inline constexpr int kFewStages = 3;       ///< elsewhere; such cards have less bandwidth per multiprocessor too
inline constexpr int kChunkBytes = 512;    ///< of a tile
inline constexpr int kOperandBytes = 768;  ///< of a chunk of activation planes
inline constexpr int kBlockRows = 256;     ///< of a table block
inline constexpr int kSlabColumns = 256;   ///< between two barriers of a table block

/// Of a decode step's product: chunks in a cut of K, and those whose operands a block keeps. Short cuts, because every
/// block makes its own operands.
inline constexpr int kStepSliceChunks = 12, kStepWindowChunks = 36;
inline constexpr int kStepStages = 8; ///< as kStages
/// Blocks of a multiprocessor that registers are left for. Room for a second one, the next product's, was slower: the
/// registers spill, and attention finds none.
inline constexpr int kStepBlocks = 1;

inline constexpr int kOperandThreads = 384; ///< of a block that makes operands
inline constexpr int kOperandWarps = kOperandThreads / 32;

inline constexpr int ringBytes(int stages)
{
    return kWarps * stages * kChunkBytes;
}

} // namespace sa::kernels::gpu
