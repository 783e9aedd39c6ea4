// SPDX-License-Identifier: GPL-3.0-or-later
// Scoring of given tokens after a prompt, instead of sampling: where, and how far, a model would have gone elsewhere.
#pragma once

#include "core/model/decoder.h"
#include "core/runtime/token_step.h"

namespace sa
{

/// The states that predict the forced tokens, f32 [forced, hidden], with the head that makes logits of them. It is what
/// is left of a reference model when it has made room for the next.
struct ForcedReference {
    Embeddings head;
    at::Tensor states;
};

/// BadInput when the prompt is empty, or prompt and tokens are longer than the model's context.
Result<ForcedReference> forcedReference(const Decoder& reference, const std::vector<std::int32_t>& prompt,
                                        const std::vector<std::int32_t>& forced, const CancelToken& cancel);

struct ForcedTimes {
    double prefillSeconds = 0; ///< until the first token was scored
    double seconds = 0;
    std::int64_t cacheBytes = 0;
};
/// `onStep` runs on the calling thread for every forced token, with at least its log-probability; with a reference
/// (may be null), with the divergence from it.
Result<ForcedTimes> scoreForced(const Decoder& decoder, const std::vector<std::int32_t>& prompt,
                                const std::vector<std::int32_t>& forced, int topLogged,
                                const ForcedReference* reference, const CancelToken& cancel,
                                const std::function<void(const TokenStep&)>& onStep);

} // namespace sa
