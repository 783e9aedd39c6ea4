// SPDX-License-Identifier: GPL-3.0-or-later
// Log-likelihoods of continuations, as lm-evaluation-harness takes them from a causal model.
#pragma once

#include "core/model/decoder.h"
#include "core/tokenizer/tokenizer.h"

#include <string>
#include <vector>

namespace sa
{

struct Continuation {
    std::vector<std::int32_t> context; ///< at least one token
    std::vector<std::int32_t> ids;     ///< at least one token
};

/// White space at the end of the context goes to the continuation, both are tokenized together and cut at the length of
/// the context's own tokens. An empty context is the model's first token, or an end token where it has none. BadInput
/// when nothing is left to score.
Result<Continuation> encodeContinuation(const Tokenizer& tokenizer, const ModelConfig& config,
                                        const std::string& context, const std::string& continuation);

/// Trivially copyable: caches hold it as it is.
struct Likelihood {
    double logLikelihood = 0; ///< sum of ln p(token), nats
    double greedy = 0;        ///< 1 when each token is the likeliest at its place, else 0
};

/// Of one item's continuations. What their inputs have in common from the first token on is computed once. Inputs
/// longer than the model's positions lose their left side.
std::vector<Likelihood> likelihoods(const Decoder& decoder, const std::vector<Continuation>& continuations);

} // namespace sa
