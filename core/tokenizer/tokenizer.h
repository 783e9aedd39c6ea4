// SPDX-License-Identifier: GPL-3.0-or-later
// Text to token ids and back, as the tokenizer files of a model folder say. Anything in them which is not understood
// and would change the result is refused by name.
#pragma once

#include "core/base/cancel.h"
#include "core/base/json.h"
#include "core/tokenizer/token_id.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sa
{

/// Cheap to copy; all const members may be called from several threads at once.
class Tokenizer
{
public:
    /// Reads the first of these that `folder` has: tokenizer.json; tokenizer.model (SentencePiece, or the tiktoken file
    /// of LLaMA-3, also as original/tokenizer.model); vocab.json with merges.txt; one tokenizer.bin or tok*.bin
    /// (llama2.c). tokenizer_config.json, special_tokens_map.json and added_tokens.json count where the reference reads
    /// them. NotFound when there is none.
    static Result<Tokenizer> open(const std::string& folder);
    static Result<Tokenizer> parse(std::string_view tokenizerJson, const std::string& file);

    /// `addSpecial`: what the post-processor adds (a first <s>, for instance). Special tokens written in the text are
    /// recognised, as the reference does. Time is O(n log n) in the text. Invalid UTF-8 in: replaced by U+FFFD.
    /// `cancel` may be null; what a cancelled call returns is incomplete.
    std::vector<TokenId> encode(std::string_view text, bool addSpecial = true,
                                const CancelToken* cancel = nullptr) const;
    /// Ids that do not exist are passed over, as the reference does.
    std::string decode(const std::vector<TokenId>& ids, bool skipSpecial = true) const;
    std::string tokenText(TokenId id) const; ///< as in the vocabulary: "▁the"; empty when there is no such id

    /// Number of ids, added tokens included: 1 + the largest id.
    std::size_t size() const;
    std::string modelType() const; ///< "BPE" or "Unigram"
    std::optional<TokenId> idOf(std::string_view token) const;
    bool isSpecial(TokenId id) const;

    /// Streaming: text grows by whole characters only, and what push() and finish() return is together exactly what
    /// decode() gives for all ids. Time is linear. For one thread; keeps the tokenizer alive.
    class Stream
    {
    public:
        explicit Stream(const Tokenizer& tokenizer, bool skipSpecial = true);
        ~Stream();
        Stream(Stream&&) noexcept;
        Stream& operator=(Stream&&) noexcept;
        std::string push(TokenId id); ///< new text, maybe empty
        std::string finish();         ///< what is left (incomplete characters become U+FFFD); then starts anew
    private:
        struct State;
        std::unique_ptr<State> m_state;
    };

private:
    struct Impl;
    explicit Tokenizer(std::shared_ptr<const Impl> impl);
    std::shared_ptr<const Impl> m_impl;
};

} // namespace sa
