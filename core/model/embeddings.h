// SPDX-License-Identifier: GPL-3.0-or-later
// What surrounds the blocks: embeddings at one end, final norm and head at the other.
#pragma once

#include "core/model/linear_loading.h"
#include "core/model/norm.h"

#include <memory>
#include <span>

namespace sa
{

/// From the last block's output to the head's input.
struct HeadInput {
    Norm norm;
    at::Tensor project; ///< f32 [embedding width, hidden], or undefined

    static Result<HeadInput> load(const ModelFolder& model, at::Device device);
    at::Tensor operator()(const at::Tensor& hidden) const; ///< f32 [T, hidden] -> [T, embedding width]
};

class Embeddings
{
public:
    static Result<Embeddings> load(const ModelFolder& model, at::Device device, PackedForm form = PackedForm::Planes);
    /// f32 [T, hidden]; the first token is at `firstPosition` of its sequence.
    at::Tensor embed(std::span<const std::int32_t> ids, std::int64_t firstPosition) const;
    at::Tensor logits(const at::Tensor& hidden) const; ///< final norm and head: f32 [T, vocab]
    std::int64_t vocab() const { return m_vocab; }
    std::int64_t weightBytes() const; ///< resident, a tied head counted once

    /// Undefined: the model has none. f32, but for `embedding` and a dense head on the CPU: those stay as narrow as
    /// they are stored, because a token reads all of the head.
    struct Parts {
        at::Tensor embedding, positions, projectIn;
        Norm embeddingNorm;
        HeadInput headInput;
        std::shared_ptr<const Linear> head; ///< StoredLinear, or planes as of a block
        double scale = 1.0;
        std::int64_t learnedOffset = 0;
        std::optional<double> softcap;
    };
    const Parts& parts() const { return m_parts; }

private:
    Parts m_parts;
    std::int64_t m_vocab = 0;
    bool m_sharedHead = false; ///< the head is the embedding's memory
};

} // namespace sa
