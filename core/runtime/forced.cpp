// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/runtime/forced.h"

#include "core/eval/token_scores.h"
#include "core/runtime/generate.h"

#include <ATen/ATen.h>
#include <algorithm>
#include <chrono>

namespace sa
{

namespace
{

constexpr std::size_t kBlock = 32; ///< forced tokens at a time: soon visible, soon cancelled

/// States that predict the forced tokens, in blocks that do not depend on the model: two runs of the same weights are
/// equal to the bit.
Result<std::int64_t> forEachBlock(const Decoder& decoder, const std::vector<std::int32_t>& prompt,
                                  const std::vector<std::int32_t>& forced, const CancelToken& cancel,
                                  const std::function<void(std::size_t begin, const at::Tensor& states)>& body)
{
    SA_CHECK(checkPrompt(decoder.config(), prompt, static_cast<std::int64_t>(forced.size()) - 1));
    SA_CHECK(decoder.config().checkIds(forced));
    auto caches = decoder.makeCaches(static_cast<std::int64_t>(prompt.size() + forced.size()));
    SA_CHECK(cancel.check());
    const at::Tensor last = decoder.hidden(prompt, &caches);
    body(0, last.slice(0, last.size(0) - 1));
    for (std::size_t begin = 0; begin + 1 < forced.size(); begin += kBlock) {
        SA_CHECK(cancel.check());
        const std::size_t end = std::min(forced.size() - 1, begin + kBlock);
        body(begin + 1, decoder.hidden(std::span(forced).subspan(begin, end - begin), &caches));
    }
    return bytesOf(caches);
}

} // namespace

Result<ForcedReference> forcedReference(const Decoder& reference, const std::vector<std::int32_t>& prompt,
                                        const std::vector<std::int32_t>& forced, const CancelToken& cancel)
{
    std::vector<at::Tensor> states;
    SA_CHECK(forEachBlock(reference, prompt, forced, cancel,
                          [&](std::size_t, const at::Tensor& block) { states.push_back(block.clone()); }));
    return ForcedReference{reference.embeddings(), at::cat(states)};
}

Result<ForcedTimes> scoreForced(const Decoder& decoder, const std::vector<std::int32_t>& prompt,
                                const std::vector<std::int32_t>& forced, int topLogged,
                                const ForcedReference* reference, const CancelToken& cancel,
                                const std::function<void(const TokenStep&)>& onStep)
{
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
    ForcedTimes times;
    SA_TRY(times.cacheBytes,
           forEachBlock(decoder, prompt, forced, cancel, [&](std::size_t begin, const at::Tensor& states) {
               const at::Tensor logits = decoder.logits(states);
               at::Tensor divergence;
               if (reference) {
                   const auto first = static_cast<std::int64_t>(begin);
                   const at::Tensor p =
                       reference->head.logits(reference->states.slice(0, first, first + states.size(0)));
                   divergence = rowDivergence(at::log_softmax(p, 1), at::log_softmax(logits, 1));
               }
               for (std::int64_t i = 0; i < states.size(0); ++i) {
                   TokenStep step =
                       describeStep(logits[i], forced[begin + static_cast<std::size_t>(i)], std::max(1, topLogged));
                   step.top.resize(static_cast<std::size_t>(std::min<std::int64_t>(topLogged, logits.size(1))));
                   if (reference)
                       step.divergence = divergence.data_ptr<double>()[i];
                   onStep(step);
               }
               if (begin == 0)
                   times.prefillSeconds = seconds();
           }));
    times.seconds = seconds();
    return times;
}

} // namespace sa
