// SPDX-License-Identifier: GPL-3.0-or-later
// One place of a text as a model sees it: what came, and what could have come.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace sa
{

struct TokenStep {
    std::int32_t id = 0;
    std::optional<double> logProbability = {}; ///< of `id` under the model, before any sampler; when it was asked for
    std::vector<std::pair<std::int32_t, double>> top = {}; ///< the likeliest ids with theirs, the likeliest first
    std::optional<double> divergence = {};                 ///< KL from the reference's distribution, nats
};

/// logits: f32 [vocab]. With `count` 0 only the id is filled in.
TokenStep describeStep(const at::Tensor& logits, std::int32_t id, int count);

} // namespace sa
