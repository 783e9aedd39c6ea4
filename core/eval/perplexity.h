// SPDX-License-Identifier: GPL-3.0-or-later
// Perplexity as the literature scores it (algorithm 4.4): non-overlapping windows, the mean cross-entropy of each
// window's length-1 predictions, exp of the mean over windows. Float32 logits, float64 sums.
#pragma once

#include "core/model/decoder.h"

namespace sa
{

struct Perplexity {
    double perplexity = 0;
    std::int64_t tokens = 0;  ///< of the whole text
    std::int64_t windows = 0; ///< scored
};

/// BadInput when the text is shorter than one window. `progress(done, of)` runs on the calling thread.
Result<Perplexity> perplexity(const Decoder& decoder, const std::vector<std::int32_t>& ids, int windowLength,
                              std::optional<int> maxWindows, const CancelToken& cancel,
                              const std::function<void(std::int64_t, std::int64_t)>& progress);

/// Mean cross-entropy in nats of predicting ids[t+1] from logits[t], t < T-1.
double meanCrossEntropy(const Decoder& decoder, std::span<const std::int32_t> ids);

} // namespace sa
