// SPDX-License-Identifier: GPL-3.0-or-later
// One token through decoder blocks in a single launch on a CUDA device: a chain of products and attentions, one block
// of threads for each multiprocessor, which keep asking for the planes of what comes next while they wait for each
// other.
//
// A phase of the chain hands its results to the next through memory, each number with a mark that says of which token
// and block it is: who needs one reads it until the mark is right, and there is neither a barrier over the device nor a
// fence. A product is cut into panels of rows and ranges of columns; each range makes its own operand, with an exponent
// of its own, and leaves a partial sum, and who reads the sums adds them up in their order. Same bits on every run.
//
// It takes blocks of the Llama kind: RMS norms before both branches, gated activation, no biases, no rotations; compute
// capability 9.0, planes of GpuPath::OneBit, all widths multiples of 256, scales of 8 columns or of one. Others take
// the launches of gpu_step.h.
#pragma once

#include "sa/kernels/gpu_step.h"

namespace sa::kernels
{

/// A product of a chain.
struct ChainProduct {
    const GpuImage* image = nullptr;
    const void* deviceImage = nullptr;
    const float* weight = nullptr; ///< [K] on the device or null: what its input is multiplied with
};

/// A block of a decoder. Pointers as in gpu_step.h.
struct ChainBlock {
    ChainProduct attention; ///< of the normed state: rows of query, key and value; weight is the norm's
    StepAttention mixing;   ///< q, k, v, out and scratch are not read
    ChainProduct output;    ///< of the heads
    ChainProduct mlp;       ///< of the normed state: rows of gate and up; weight is the norm's
    ChainProduct down;      ///< of act(gate) up
    float attentionEpsilon = 0, mlpEpsilon = 0;
    StepActivation activation = StepActivation::Silu;
};

/// A decoder's blocks, and what they take and leave: on the device, 16-byte aligned.
struct ChainModel {
    const ChainBlock* blocks = nullptr;
    int count = 0;
    const float* x = nullptr;            ///< [hidden]
    float* y = nullptr;                  ///< [hidden]; may be x
    const std::int32_t* state = nullptr; ///< StepState
};

/// Knobs that tuning may turn; 0 means as found best.
struct ChainTuning {
    /// Partial sums of a row: of query, key and value; output; gate and up; down. More of them mean smaller operands.
    int parts[4] = {0, 0, 0, 0};
    int flightChunks = 0; ///< of 512 bytes of planes that a multiprocessor asks for before they are needed
};

/// What a chain needs and where it is, in bytes from the begin of its device memory.
struct GpuChain {
    int phases = 0, products = 0, layers = 0, headDim = 0;
    int blocks = 0; ///< of threads
    int flightChunks = 0;
    int ringChunks = 0, operand = 0, input = 0, scales = 0; ///< of shared memory: gpu::ChainRoom
    std::size_t bytes = 0;                                  ///< all of it, 0 before the first run
    std::size_t written = 0;                                ///< of its beginning, what gpuChainWrite makes
    std::size_t sources = 0, epoch = 0;
    const std::int32_t* state = nullptr;
};

/// Unsupported where the device or a block is of another kind. Allocates.
Status gpuChain(const ChainModel& model, const GpuInfo& device, const ChainTuning& tuning, GpuChain& out);
/// host: [written], to be copied to `device`, which is 256-byte aligned and whose addresses it holds. Arguments as
/// before.
Status gpuChainWrite(const ChainModel& model, const GpuInfo& device, const ChainTuning& tuning, const void* memory,
                     void* host);
/// Enqueues a token; one run of a chain at a time. All blocks of threads run together, or none does.
Status gpuChainRun(const GpuChain& chain, void* memory, void* stream) noexcept;

} // namespace sa::kernels
