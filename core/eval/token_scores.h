// SPDX-License-Identifier: GPL-3.0-or-later
// What a model says of each token of a window, alone or beside the original model.
#pragma once

#include "core/model/decoder.h"

#include <limits>
#include <vector>

namespace sa
{

/// Of one predicted token; NaN in all but `loss` when there is no original to compare with. Trivially copyable: caches
/// hold it as it is, five float32 in this order.
struct TokenScore {
    static constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
    float loss = kNone;          ///< -ln q(token), q the model's distribution
    float referenceLoss = kNone; ///< -ln p(token), p the original's
    float divergence = kNone;    ///< KL(p || q) = sum p ln(p/q), nats, over the whole vocabulary
    float confidence = kNone;    ///< max p
    float agrees = kNone;        ///< 1 when p and q have their maximum at the same token, else 0
};

/// Rows of logits to make at a time, so that a block of them takes at most 32 MiB.
std::int64_t logitRows(std::int64_t vocab);

/// `hidden`: f32 [T, d], the states behind the last block for the T = ids.size() tokens of a window; -> T-1 scores.
std::vector<TokenScore> scoreWindow(const Embeddings& head, const at::Tensor& hidden,
                                    std::span<const std::int32_t> ids);
/// The same beside the original: its head and its states, of its own width. Both heads have the same vocabulary.
std::vector<TokenScore> scoreWindow(const Embeddings& head, const at::Tensor& hidden, const Embeddings& referenceHead,
                                    const at::Tensor& referenceHidden, std::span<const std::int32_t> ids);

/// KL(p || q) of each row, p and q given as log-probabilities, f32 [rows, vocab] -> f64 [rows] on the CPU. A sum of
/// terms p (r - 1 - ln r), r = q/p, none of which is negative: nothing cancels, and equal rows give 0.
at::Tensor rowDivergence(const at::Tensor& logP, const at::Tensor& logQ);

} // namespace sa
