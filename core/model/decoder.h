// SPDX-License-Identifier: GPL-3.0-or-later
// The decoder in float32: embeddings, blocks, final norm, head. One block can be built, run and dropped on its own,
// which is how quantization keeps one block of weights in memory.
#pragma once

#include "core/base/cancel.h"
#include "core/model/linear.h"
#include "core/model/model_folder.h"

#include <array>
#include <functional>
#include <memory>

namespace sa
{

/// The places of a block where linears read their input, in the order of computation; q, k, v share one, gate and up
/// another.
enum class LinearInput { Attention, AttentionOutput, Mlp, MlpDown };
inline constexpr int kLinearInputs = 4;
LinearInput inputOf(const std::string& projection); ///< "up_proj" -> Mlp

/// Keys and values of the past of one sequence, for one block.
struct KvCache {
    at::Tensor keys, values; ///< f32 [kvHeads, capacity, headDim]
    std::int64_t length = 0;
};

/// Cosines and sines for the positions of one call, f32 [T, headDim/2].
struct Rotary {
    at::Tensor cos, sin;
    /// x: [heads, T, headDim], rotated in the half-split layout of Hugging Face checkpoints.
    at::Tensor apply(const at::Tensor& x) const;
};

/// Inverse frequencies as RopeConfig says, float32 as the reference framework computes them.
class RotaryEmbedding
{
public:
    RotaryEmbedding(const ModelConfig& config, at::Device device);
    Rotary at(std::int64_t firstPosition, std::int64_t count) const;

private:
    at::Tensor m_inverseFrequencies; ///< f32 [headDim/2]
};

class DecoderBlock
{
public:
    /// Reads the block's tensors; packed layers become PlanesLinear.
    static Result<DecoderBlock> load(const ModelFolder& model, int block, at::Device device);

    /// hidden: f32 [T, hidden] of one sequence. With a cache, the T tokens follow what the cache holds.
    at::Tensor forward(const at::Tensor& hidden, const Rotary& rotary, KvCache* cache) const;

    /// The same in steps, so that quantization sees each group of linears' input behind the already quantized ones:
    /// forward = mlpOutput(m, mlpInner(mlpInput(m))), m = attentionOutput(h, attentionMix(attentionInput(h))).
    at::Tensor attentionInput(const at::Tensor& hidden) const;                                ///< [T, hidden], normed
    at::Tensor attentionMix(const at::Tensor& x, const Rotary& rotary, KvCache* cache) const; ///< q k v -> [T, heads*d]
    at::Tensor attentionOutput(const at::Tensor& hidden, const at::Tensor& mixed) const;      ///< o, residual added
    at::Tensor mlpInput(const at::Tensor& middle) const;                                      ///< [T, hidden], normed
    at::Tensor mlpInner(const at::Tensor& x) const;                                           ///< gate up -> [T, inner]
    at::Tensor mlpOutput(const at::Tensor& middle, const at::Tensor& inner) const;            ///< down, residual added

    void replaceLinear(const std::string& projection, std::unique_ptr<Linear> linear);
    std::int64_t weightBytes() const;

private:
    struct Shape {
        std::int64_t heads, kvHeads, headDim;
        double epsilon;
    };
    const Linear& linear(const char* projection) const;

    Shape m_shape{};
    at::Tensor m_inputNorm, m_postNorm; ///< f32 [hidden]
    std::vector<std::pair<std::string, std::unique_ptr<Linear>>> m_linears;
};

/// What surrounds the blocks.
class Embeddings
{
public:
    static Result<Embeddings> load(const ModelFolder& model, at::Device device);
    at::Tensor embed(std::span<const std::int32_t> ids) const; ///< f32 [T, hidden]
    at::Tensor logits(const at::Tensor& hidden) const;         ///< final norm and head: f32 [T, vocab]

private:
    at::Tensor m_embedding, m_norm, m_head;
    double m_epsilon = 0;
};

/// The whole model, resident.
class Decoder
{
public:
    static Result<Decoder> load(const ModelFolder& model, at::Device device, const CancelToken& cancel,
                                const std::function<void(int done, int of)>& progress = {});

    /// Hidden states after the last block, before the final norm: f32 [T, hidden].
    at::Tensor hidden(std::span<const std::int32_t> ids, std::vector<KvCache>* caches = nullptr) const;
    at::Tensor logits(const at::Tensor& hidden) const { return m_embeddings.logits(hidden); }

    std::vector<KvCache> makeCaches(std::int64_t capacity) const;
    const ModelConfig& config() const { return m_config; }
    std::int64_t blockWeightBytes() const; ///< resident bytes of the blocks' linears

private:
    Decoder(ModelConfig config, at::Device device, Embeddings embeddings);
    ModelConfig m_config;
    at::Device m_device;
    Embeddings m_embeddings;
    std::vector<DecoderBlock> m_blocks;
    RotaryEmbedding m_rotary;
};

} // namespace sa
