// SPDX-License-Identifier: GPL-3.0-or-later
// Text generation: prefill, then one token at a time with a key-value cache.
#pragma once

#include "core/model/decoder.h"
#include "core/runtime/token_step.h"

namespace sa
{

struct SamplerOptions {
    bool greedy = false;
    double temperature = 1.0; ///< 0 is greedy
    double topP = 1.0;        ///< nucleus: the smallest set of tokens with at least this probability
    std::uint64_t seed = 0;
    int topLogged = 0; ///< candidates to describe with each token; 0: not even its probability
};

struct Generation {
    std::vector<std::int32_t> ids; ///< new tokens only, the end token included when it stopped the text
    double prefillSeconds = 0;
    double firstTokenSeconds = 0; ///< from the start of the prefill until the first token was handed out
    double tokensPerSecond = 0;   ///< of the decode steps after the first token; 0 when there were none
    std::int64_t cacheBytes = 0;  ///< of keys and values
    bool stoppedByEos = false;
    bool stoppedByCaller = false;
};

/// `onToken` runs on the calling thread for every new token; false ends the text. The prompt must not be empty. Stops
/// at an end token, after `maxTokens`, or where the model's positions end.
Result<Generation> generate(const Decoder& decoder, const std::vector<std::int32_t>& prompt, int maxTokens,
                            const SamplerOptions& sampler, const CancelToken& cancel,
                            const std::function<bool(const TokenStep&)>& onToken);

/// BadInput when the prompt is empty, has no room for `more` tokens in the model's context, or has ids without an
/// embedding.
Result<void> checkPrompt(const ModelConfig& config, const std::vector<std::int32_t>& prompt, std::int64_t more);
std::int64_t bytesOf(const std::vector<KvCache>& caches);

} // namespace sa
