// SPDX-License-Identifier: GPL-3.0-or-later
// A model as a decode step on a device runs it (kernels/gpu_step.h): the tensors of a decoder in the order of the
// computation. It borrows a decoder's memory, but for a head that half the bytes hold exactly.
#pragma once

#include "core/model/decoder.h"
#include "core/model/gpu_linear.h"

#include <functional>

namespace sa
{

/// Linears of one input that are multiplied together: planes, or one dense matrix.
struct StepProduct {
    std::shared_ptr<const GpuPlanes> planes; ///< null: dense
    at::Tensor factors;   ///< with planes: f32 [K], the powers of two of their exponents, or undefined
    at::Tensor weight;    ///< dense: f32, f16, bf16 or i8 [N, K]
    at::Tensor rowScales; ///< with i8: f32 [N]
    at::Tensor bias;      ///< f32 [N] of all parts, or undefined
    int N = 0, K = 0;
    bool rotated = false; ///< some part has a rotation back
};

struct StepBlock {
    DecoderBlock::Shape shape;
    DecoderBlock::Norms norms;
    /// What reads each of the block's inputs, in the order of rows: query, key and value; output; gate and up; down.
    std::array<std::vector<StepProduct>, kLinearInputs> products;
};

struct StepModel {
    ModelConfig config;
    at::Device device = at::kCPU;
    at::Tensor embedding;     ///< f32, f16 or bf16 [vocab, hidden]
    at::Tensor positionTable; ///< f32 [.., hidden] or undefined
    Norm embeddingNorm, finalNorm;
    StepProduct head; ///< [vocab, hidden]
    std::shared_ptr<const PositionEncoder> positions;
    std::vector<StepBlock> blocks;

    /// Of the blocks, then the head.
    void forEachProduct(const std::function<void(const StepProduct&)>& body) const;
    std::int64_t planeBytes() const;    ///< that a step reads, without padding
    std::int64_t denseBytes() const;    ///< of dense weights that a step reads
    std::int64_t residentBytes() const; ///< of all weights on the device
};

/// What a decode step on a device cannot do for this model with `capacity` positions; nothing: it can.
std::optional<std::string> stepObstacle(const ModelConfig& config, std::int64_t capacity);

/// `values` in f16 or bf16 where that is exact, else as they are.
at::Tensor inFewerBytes(const at::Tensor& values);

/// Nothing where a linear is of a kind that no step knows, or the decoder rounds.
std::optional<StepModel> stepModelOf(const Decoder& decoder);

} // namespace sa
