// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/attention.h"

#include <ATen/ATen.h>
#include <limits>

namespace sa
{

at::Tensor causalAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& slopes,
                           const AttentionOptions& options)
{
    constexpr std::int64_t kSlice = 128; // scores of a slice stay in the cache, little is computed to be masked
    const std::int64_t heads = q.size(0), T = q.size(1), d = q.size(2);
    const std::int64_t kvHeads = k.size(0), S = k.size(1), past = S - T, share = heads / kvHeads;
    const at::Tensor grouped = q.reshape({kvHeads, share, T, d});
    std::vector<at::Tensor> slices;
    for (std::int64_t begin = 0; begin < T; begin += kSlice) {
        const std::int64_t end = std::min(T, begin + kSlice), count = end - begin, last = past + end;
        const std::int64_t first =
            options.window > 0 ? std::max<std::int64_t>(0, past + begin + 1 - options.window) : 0;
        const std::int64_t visible = last - first;
        // The query heads of one key head are stacked: one product for all of them, no copy of the keys.
        const at::Tensor rows = grouped.slice(2, begin, end).reshape({kvHeads, share * count, d});
        at::Tensor scores = at::matmul(rows, k.slice(1, first, last).transpose(1, 2)).mul_(options.scale);
        if (options.softcap)
            scores = scores.div_(*options.softcap).tanh_().mul_(*options.softcap);
        scores = scores.view({kvHeads, share, count, visible});
        if (slopes.defined()) {
            const at::Tensor positions = at::arange(first, last, scores.options());
            scores.add_(slopes.view({kvHeads, share, 1, 1}) * positions);
        }
        if (count > 1 || (options.window > 0 && visible > options.window)) {
            // Row i is position past + begin + i, column j is position first + j.
            const auto mask = at::ones({count, visible}, scores.options().dtype(at::kBool));
            at::Tensor hidden = mask.triu(past + begin + 1 - first);
            if (options.window > 0)
                hidden = hidden.logical_or(mask.tril(past + begin - first - options.window));
            scores.masked_fill_(hidden, -std::numeric_limits<float>::infinity());
        }
        const at::Tensor weights = at::softmax(scores, -1).view({kvHeads, share * count, visible});
        slices.push_back(at::matmul(weights, v.slice(1, first, last)).view({kvHeads, share, count, d}));
    }
    const at::Tensor mixed = slices.size() == 1 ? slices.front() : at::cat(slices, 2);
    return mixed.reshape({heads, T, d});
}

} // namespace sa
