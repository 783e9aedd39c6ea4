// SPDX-License-Identifier: GPL-3.0-or-later
// Scores of all windows of a text, computed in pieces that are kept (ChunkCache): what was finished once, by whatever
// process, is not computed again.
//
// Of the original model the states behind its last block are kept, not its probabilities: they are what the head is
// applied to, so that the probabilities made from them again are exact, and take hidden/vocab of the room (a sixteenth
// of float32 logits in llama2-6m). A model and its original are never in memory together; the original's head is.
#pragma once

#include "core/eval/chunk_cache.h"
#include "core/eval/token_scores.h"

#include <functional>
#include <vector>

namespace sa
{

/// Non-overlapping windows of a text, as the literature scores perplexity (algorithm 4.4): the first `count` of them.
struct TextWindows {
    std::span<const std::int32_t> ids;
    int length = 0;
    std::int64_t count = 0;

    /// As many as `maxWindows` and the text allow. BadInput when the text is shorter than one.
    static Result<TextWindows> of(std::span<const std::int32_t> ids, int length, std::optional<int> maxWindows);
    std::span<const std::int32_t> at(std::int64_t window) const
    {
        return ids.subspan(static_cast<std::size_t>(window * length), static_cast<std::size_t>(length));
    }
};

/// The smallest piece that is kept. Part of the format: other sizes have other keys.
inline constexpr std::int64_t kWindowsPerChunk = 4;

/// Loads the model when it is first needed; a run that finds everything in the cache needs none.
using DecoderSource = std::function<Result<const Decoder*>()>;

/// The original: its head resident, its states on disk.
struct ReferenceStates {
    Embeddings head;
    std::int64_t width = 0; ///< hidden size
    ChunkCache states;      ///< chunk: f32 [windows][length - 1][width]
};

struct ScoringProgress {
    std::function<void(std::int64_t done, std::int64_t of)> update; ///< on the calling thread
    std::int64_t computed = 0;                                      ///< windows that were not found in the cache
};

/// Fills what the cache lacks of the first `windows.count` windows. The cache must keep. `width`: the hidden size.
Result<void> keepStates(const DecoderSource& original, std::int64_t width, const TextWindows& windows,
                        const ChunkCache& states, const CancelToken& cancel, ScoringProgress& progress);

/// Scores of all windows, one after the other. `reference` may be null. `kept`: chunks of TokenScore.
Result<std::vector<TokenScore>> scoreWindows(const DecoderSource& model, const TextWindows& windows,
                                             const ReferenceStates* reference, const ChunkCache& kept,
                                             const CancelToken& cancel, ScoringProgress& progress);

} // namespace sa
