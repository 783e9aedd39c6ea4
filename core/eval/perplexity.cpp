// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/eval/perplexity.h"

#include "core/base/parallel.h"

#include <ATen/ATen.h>
#include <cmath>

namespace sa
{

namespace
{
constexpr std::int64_t kLogitRows = 256; ///< rows of logits at a time: 256 x 128k vocabulary x 4 bytes = 128 MiB
}

double meanCrossEntropy(const Decoder& decoder, std::span<const std::int32_t> ids)
{
    const at::Tensor hidden = decoder.hidden(ids);
    const auto predictions = static_cast<std::int64_t>(ids.size()) - 1;
    at::Tensor targets = at::empty({predictions}, at::kLong);
    for (std::int64_t t = 0; t < predictions; ++t)
        targets.data_ptr<std::int64_t>()[t] = ids[static_cast<std::size_t>(t) + 1];
    targets = targets.to(hidden.device());

    double sum = 0.0;
    for (std::int64_t begin = 0; begin < predictions; begin += kLogitRows) {
        const std::int64_t end = std::min(predictions, begin + kLogitRows);
        const at::Tensor logits = decoder.logits(hidden.slice(0, begin, end));
        const at::Tensor picked = logits.gather(1, targets.slice(0, begin, end).unsqueeze(1)).squeeze(1);
        sum += (at::logsumexp(logits, 1) - picked).to(at::kDouble).sum().item<double>();
    }
    return sum / static_cast<double>(predictions);
}

Result<Perplexity> perplexity(const Decoder& decoder, const std::vector<std::int32_t>& ids, int windowLength,
                              std::optional<int> maxWindows, const CancelToken& cancel,
                              const std::function<void(std::int64_t, std::int64_t)>& progress)
{
    Perplexity out;
    out.tokens = static_cast<std::int64_t>(ids.size());
    out.windows = out.tokens / windowLength;
    if (maxWindows)
        out.windows = std::min<std::int64_t>(out.windows, *maxWindows);
    if (out.windows == 0)
        return makeError(Errc::BadInput, "the evaluation text is shorter than one window")
            .butFound(std::to_string(ids.size()) + " tokens")
            .wanted("at least " + std::to_string(windowLength))
            .tryThis("Give more text or a smaller window length");

    SA_CHECK(decoder.config().checkIds(ids));

    std::vector<double> losses(static_cast<std::size_t>(out.windows));
    const std::int64_t step = 2 * parallelThreads();
    for (std::int64_t begin = 0; begin < out.windows; begin += step) {
        SA_CHECK(cancel.check());
        progress(begin, out.windows);
        const std::int64_t count = std::min(step, out.windows - begin);
        parallelFor(count, [&](std::int64_t i) {
            const auto first = static_cast<std::size_t>((begin + i) * windowLength);
            losses[static_cast<std::size_t>(begin + i)] =
                meanCrossEntropy(decoder, std::span(ids).subspan(first, static_cast<std::size_t>(windowLength)));
        });
    }
    progress(out.windows, out.windows);
    double sum = 0.0;
    for (const double loss : losses)
        sum += loss;
    out.perplexity = std::exp(sum / static_cast<double>(out.windows));
    return out;
}

} // namespace sa
