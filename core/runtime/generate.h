// SPDX-License-Identifier: GPL-3.0-or-later
// Text generation: prefill, then one token at a time with a key-value cache.
#pragma once

#include "core/model/decoder.h"

namespace sa
{

struct SamplerOptions {
    bool greedy = false;
    double temperature = 1.0; ///< 0 is greedy
    double topP = 1.0;        ///< nucleus: the smallest set of tokens with at least this probability
    std::uint64_t seed = 0;
};

struct Generation {
    std::vector<std::int32_t> ids; ///< new tokens only, the end token included when it stopped the text
    double prefillSeconds = 0;
    double tokensPerSecond = 0; ///< of the decode steps after the first token; 0 when there were none
    bool stoppedByEos = false;
};

/// `onToken` runs on the calling thread for every new token. The prompt must not be empty. Stops at an end token, after
/// `maxTokens`, or where the model's positions end.
Result<Generation> generate(const Decoder& decoder, const std::vector<std::int32_t>& prompt, int maxTokens,
                            const SamplerOptions& sampler, const CancelToken& cancel,
                            const std::function<void(std::int32_t)>& onToken);

} // namespace sa
