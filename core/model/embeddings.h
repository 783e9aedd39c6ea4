// SPDX-License-Identifier: GPL-3.0-or-later
// What surrounds the blocks: embeddings at one end, final norm and head at the other.
#pragma once

#include "core/model/norm.h"

#include <memory>
#include <mutex>
#include <span>

namespace sa
{

class Embeddings
{
public:
    static Result<Embeddings> load(const ModelFolder& model, at::Device device);
    /// f32 [T, hidden]; the first token is at `firstPosition` of its sequence.
    at::Tensor embed(std::span<const std::int32_t> ids, std::int64_t firstPosition) const;
    at::Tensor logits(const at::Tensor& hidden) const; ///< final norm and head: f32 [T, vocab]
    std::int64_t vocab() const { return m_parts.head.size(0); }
    std::int64_t weightBytes() const; ///< resident, a tied head counted once

    /// Undefined: the model has none. f32, but for `embedding` and `head` on the CPU: those stay as narrow as they are
    /// stored, because a token reads all of the head.
    struct Parts {
        at::Tensor embedding, positions, projectIn, projectOut, head;
        Norm embeddingNorm, finalNorm;
        double scale = 1.0;
        std::int64_t learnedOffset = 0;
        std::optional<double> softcap;
    };
    const Parts& parts() const { return m_parts; }

private:
    at::Tensor headRow(const at::Tensor& x) const; ///< the head on one token, f32 [1, hidden]
    at::Tensor wideHead() const;                   ///< f32, made when it is first asked for

    Parts m_parts;
    struct Wide {
        std::once_flag made;
        at::Tensor head;
    };
    std::shared_ptr<Wide> m_wide = std::make_shared<Wide>();
};

} // namespace sa
