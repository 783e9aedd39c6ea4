// SPDX-License-Identifier: GPL-3.0-or-later
// One decoder block in float32, of any family. It can be built, run and dropped on its own, which is how quantization
// keeps one block of weights in memory.
#pragma once

#include "core/model/attention.h"
#include "core/model/linear_loading.h"
#include "core/model/norm.h"
#include "core/model/positions.h"
#include "core/model/step_memory.h"

#include <array>
#include <memory>

namespace sa
{

/// Keys and values of the past of one sequence, for one block.
struct KvCache {
    at::Tensor keys, values; ///< f32 [kvHeads, capacity, headDim]
    std::int64_t length = 0;
};

class Team;

/// Copies share their weights: replacing a linear of one leaves the other as it was.
class DecoderBlock
{
public:
    /// Reads the block's tensors.
    static Result<DecoderBlock> load(const ModelFolder& model, int block, at::Device device,
                                     PackedForm form = PackedForm::Planes);

    /// hidden: f32 [T, hidden] of one sequence. With a cache, the T tokens follow what the cache holds.
    at::Tensor forward(const at::Tensor& hidden, const PositionCodes& positions, KvCache* cache) const;

    /// True on the CPU unless a linear computes otherwise than in pieces of rows.
    bool canStep() const;
    /// One token behind what the cache holds, by all threads of a team: own.state, f32 [width], becomes the block's
    /// output in every thread. Fills the next place of the cache and leaves its length to the caller.
    void step(Team& team, const StepMemory& memory, const StepMemory::Own& own, std::int64_t width,
              const PositionCodes& positions, const KvCache& cache) const;

    /// The same in steps, so that quantization sees each group of linears' input behind the already quantized ones:
    /// forward = mlpOutput(m, mlpInner(mlpInput(m))), m = attentionOutput(h, attentionMix(attentionInput(h))).
    at::Tensor attentionInput(const at::Tensor& hidden) const; ///< [T, hidden]
    at::Tensor attentionMix(const at::Tensor& x, const PositionCodes& positions,
                            KvCache* cache) const;                                       ///< q k v -> [T, heads*d]
    at::Tensor attentionOutput(const at::Tensor& hidden, const at::Tensor& mixed) const; ///< o, residual added
    at::Tensor mlpInput(const at::Tensor& middle) const;                                 ///< [T, hidden]
    at::Tensor mlpInner(const at::Tensor& x) const;                                      ///< gate up -> [T, inner]
    at::Tensor mlpOutput(const at::Tensor& middle, const at::Tensor& inner) const;       ///< down, residual added

    void replaceLinear(LinearRole role, std::shared_ptr<const Linear> linear);
    void roundToHalf(); ///< see Decoder
    std::int64_t weightBytes() const;

    struct Shape {
        std::int64_t heads, kvHeads, headDim;
        NormPlacement placement;
        bool residualFromNorm, gatedMlp, fusedAttention, windowed;
        Activation activation;
        AttentionOptions attention;
    };
    struct Norms {
        Norm attention, attentionPost, mlp, mlpPost, query, key;
    };
    static Shape shapeOf(const ModelConfig& config, int block);
    const Shape& shape() const { return m_shape; }
    const Norms& norms() const { return m_norms; }
    /// Null: the block has none of that role.
    const Linear* find(LinearRole role) const { return m_linears[static_cast<std::size_t>(role)].get(); }

private:
    struct Queries {
        at::Tensor q, k, v; ///< [heads or kvHeads, T, d]
    };
    const Linear& linear(LinearRole role) const;
    Queries project(const at::Tensor& x) const;
    at::Tensor join(const at::Tensor& residual, const at::Tensor& branch, const Norm& before, const Norm& after) const;

    void attendHead(std::int64_t head, float* query, const PositionCodes& positions, const KvCache& cache,
                    float* scores, float* mixed) const;
    void joinRow(const StepMemory::Own& own, const float* branch, std::int64_t width, const Norm& before,
                 const Norm& after) const;

    Shape m_shape{};
    Norms m_norms;
    std::array<std::shared_ptr<const Linear>, kLinearRoles> m_linears;
};

} // namespace sa
