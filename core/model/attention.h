// SPDX-License-Identifier: GPL-3.0-or-later
// Causal softmax attention of one sequence.
#pragma once

#include "core/model/config.h"

#include <ATen/core/Tensor.h>

namespace sa
{

struct AttentionOptions {
    double scale = 1.0;            ///< scores are q.k times this
    std::optional<double> softcap; ///< c tanh(score / c), before the mask
    std::int64_t window = 0;       ///< keys that a query sees, itself included; 0 = all
};

/// The queries are the last T of the S positions; head h reads key head h / (heads / kvHeads).
/// q: f32 [heads, T, d], k and v: [kvHeads, S, d], slopes: [heads] or undefined -> [heads, T, d].
/// Queries go in slices, so that the scores stay small.
at::Tensor causalAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& slopes,
                           const AttentionOptions& options);

} // namespace sa
