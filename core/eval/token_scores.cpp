// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/eval/token_scores.h"

#include <ATen/ATen.h>
#include <algorithm>

namespace sa
{

namespace
{

at::Tensor nextIds(std::span<const std::int32_t> ids, at::Device device)
{
    const auto predictions = static_cast<std::int64_t>(ids.size()) - 1;
    at::Tensor targets = at::empty({predictions}, at::kLong);
    for (std::int64_t t = 0; t < predictions; ++t)
        targets.data_ptr<std::int64_t>()[t] = ids[static_cast<std::size_t>(t) + 1];
    return targets.to(device);
}

at::Tensor lossesOf(const at::Tensor& logits, const at::Tensor& targets)
{
    return at::logsumexp(logits, 1) - logits.gather(1, targets.unsqueeze(1)).squeeze(1);
}

/// Copies a column of numbers into a member of every score from `begin` on.
void fill(std::vector<TokenScore>& scores, std::int64_t begin, const at::Tensor& column, float TokenScore::*member)
{
    const at::Tensor values = column.to(at::kCPU, at::kFloat).contiguous();
    for (std::int64_t i = 0; i < values.numel(); ++i)
        scores[static_cast<std::size_t>(begin + i)].*member = values.data_ptr<float>()[i];
}

} // namespace

std::int64_t logitRows(std::int64_t vocab)
{
    constexpr std::int64_t kValues = std::int64_t{8} << 20;
    return std::clamp<std::int64_t>(kValues / std::max<std::int64_t>(1, vocab), 16, 256);
}

at::Tensor rowDivergence(const at::Tensor& logP, const at::Tensor& logQ)
{
    const at::Tensor difference = logQ - logP;
    const at::Tensor terms = logP.exp().mul_(at::expm1(difference).sub_(difference));
    return terms.sum(1, false, at::kDouble).to(at::kCPU);
}

std::vector<TokenScore> scoreWindow(const Embeddings& head, const at::Tensor& hidden, std::span<const std::int32_t> ids)
{
    const at::Tensor targets = nextIds(ids, hidden.device());
    std::vector<TokenScore> scores(ids.size() - 1);
    const std::int64_t predictions = targets.numel(), step = logitRows(head.vocab());
    for (std::int64_t begin = 0; begin < predictions; begin += step) {
        const std::int64_t end = std::min(predictions, begin + step);
        const at::Tensor logits = head.logits(hidden.slice(0, begin, end));
        fill(scores, begin, lossesOf(logits, targets.slice(0, begin, end)), &TokenScore::loss);
    }
    return scores;
}

std::vector<TokenScore> scoreWindow(const Embeddings& head, const at::Tensor& hidden, const Embeddings& referenceHead,
                                    const at::Tensor& referenceHidden, std::span<const std::int32_t> ids)
{
    const at::Tensor targets = nextIds(ids, hidden.device());
    std::vector<TokenScore> scores(ids.size() - 1);
    const std::int64_t predictions = targets.numel(), step = logitRows(head.vocab());
    for (std::int64_t begin = 0; begin < predictions; begin += step) {
        const std::int64_t end = std::min(predictions, begin + step);
        const at::Tensor wanted = targets.slice(0, begin, end);
        const at::Tensor q = head.logits(hidden.slice(0, begin, end));
        const at::Tensor p = referenceHead.logits(referenceHidden.slice(0, begin, end));
        fill(scores, begin, lossesOf(q, wanted), &TokenScore::loss);
        fill(scores, begin, lossesOf(p, wanted), &TokenScore::referenceLoss);
        fill(scores, begin, p.argmax(1).eq(q.argmax(1)), &TokenScore::agrees);
        const at::Tensor logP = at::log_softmax(p, 1);
        fill(scores, begin, logP.amax(1).exp(), &TokenScore::confidence);
        fill(scores, begin, rowDivergence(logP, at::log_softmax(q, 1)), &TokenScore::divergence);
    }
    return scores;
}

} // namespace sa
