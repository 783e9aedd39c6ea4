// SPDX-License-Identifier: GPL-3.0-or-later
// What the host writes for a chain (gpu_chain.h) and its kernel reads.
#pragma once

#include "kernels/cuda/tables.h"
#include "sa/kernels/gpu_chain.h"

namespace sa::kernels::gpu
{

/// That compute; one more asks for planes. Sixteen together, four in each quarter of a multiprocessor, leave 128
/// registers.
inline constexpr int kChainWarps = 15;
inline constexpr int kChainThreads = kChainWarps * 32;
inline constexpr int kChainColumns = 256; ///< of a column block
inline constexpr int kChainSegments = 4;  ///< of a multiprocessor's work in a phase, at most
inline constexpr int kChainChunks = 40, kChainColumnBlocks = 16;
inline constexpr int kChainSlots = 32;                                ///< pieces that the ring holds, at most
inline constexpr int kChainFlightChunks = 32;                         ///< 2.6 TB/s of an H100's 3.1
inline constexpr int kChainPieceChunks = 64, kChainMostTilesLog2 = 3; ///< of a piece, unless a tile has more
inline constexpr int kChainOperandBytes = 864; ///< of a chunk's activation planes in a multiprocessor
inline constexpr int kChainHeadParts = 4;      ///< of the keys of a head, at most
/// Of a block of threads: what the device has, less what the kernel itself declares.
inline constexpr int kChainSharedBytes = 227 * 1024 - 6 * 1024;
/// How it is shared out, in bytes from its begin; the ring comes first.
struct ChainRoom {
    std::int32_t ringChunks, operand, input, scales;
};
/// What the operand of a chunk costs, in tiles of planes: for shares of few rows it is most of the work.
inline constexpr int kChainOperandTiles = 12;

/// Tiles of some rows against a range of chunks: one operand, one exponent, a partial sum for each row.
struct ChainSegment {
    std::uint32_t firstUnit; ///< tile * chunks + chunk, in the image
    std::uint16_t tiles, chunks;
    std::uint16_t localChunk; ///< where its operand begins
    std::uint16_t tilesLog2;  ///< tiles of a piece of the stream: 2^tilesLog2
    std::int32_t row, rows;
    std::uint16_t slot, zeroSlots; ///< which of the partial sums; those after it that are nobody's
};
struct ChainChunk {
    std::int32_t scale;            ///< offset of its scales
    std::uint16_t column, segment; ///< column: local column block
};
/// A multiprocessor's work in a product.
struct alignas(16) ChainWork {
    std::uint16_t segments, chunks, columns, pieces;
    ChainSegment segment[kChainSegments];
    ChainChunk chunk[kChainChunks];
    std::uint16_t column[kChainColumnBlocks]; ///< of x, in units of kChainColumns
    std::uint8_t owned[kChainColumnBlocks];   ///< whether this multiprocessor keeps what it reads there
};
static_assert(sizeof(ChainWork) % 16 == 0);

/// A product as the stream of planes sees it.
struct alignas(16) ChainSource {
    const char* planes;
    const ChainWork* work; ///< [multiprocessors]
    std::int64_t chunks;   ///< of a tile
    std::int64_t reserved;
};

enum class ChainKind : std::int32_t { Product, Attention, Last };
enum class ChainInput : std::int32_t { State, Heads, Activated };

struct alignas(16) ChainPhase {
    ChainKind kind;
    ChainInput input;
    // A product.
    const PackedScale* scales; ///< [groups][q][scaleColumns]
    const ChainWork* work;     ///< [multiprocessors]
    float* out;                ///< [partial sums][outStride], marked
    std::int32_t perScale, outStride, outParts, reserved;
    // Its input; Attention: of the query, key and value. Last: State without a norm.
    const float* in; ///< [inParts][inStride], marked
    const float* weight;
    const float* plain; ///< instead of `residual`, without marks
    const unsigned long long* residual;
    unsigned long long* kept;         ///< where the state goes that the next branch is added to
    unsigned long long* squares;      ///< [column blocks] of the state: written by State, read by others
    const unsigned long long* shares; ///< Heads: [heads][inParts][2], largest score and sum
    std::int32_t inStride, inParts, inLag, factorOffset;
    std::int32_t columnBlocks, hidden, layer, headDim;
    float epsilon;
    StepActivation activation;
    float* y; ///< Last
    // Attention; out: [outParts][outStride], unnormalised.
    StepAttention mixing;
    unsigned long long* sharesOut;
};
static_assert(sizeof(ChainPhase) % 16 == 0 && sizeof(ChainPhase) <= 512);

} // namespace sa::kernels::gpu
