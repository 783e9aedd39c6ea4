// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/runtime/token_step.h"

#include <ATen/ATen.h>
#include <algorithm>

namespace sa
{

TokenStep describeStep(const at::Tensor& logits, std::int32_t id, int count)
{
    TokenStep step;
    step.id = id;
    if (count == 0)
        return step;
    const at::Tensor logProbabilities = at::log_softmax(logits.to(at::kCPU), -1);
    step.logProbability = logProbabilities[id].item<double>();
    const auto [values, order] = logProbabilities.topk(std::min<std::int64_t>(count, logProbabilities.numel()));
    for (std::int64_t i = 0; i < values.numel(); ++i)
        step.top.emplace_back(static_cast<std::int32_t>(order.data_ptr<std::int64_t>()[i]),
                              values.data_ptr<float>()[i]);
    return step;
}

} // namespace sa
