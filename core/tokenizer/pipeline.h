// SPDX-License-Identifier: GPL-3.0-or-later
// Everything that tokenizer.json describes, read and checked.
#pragma once

#include "core/tokenizer/added_tokens.h"
#include "core/tokenizer/decoders.h"
#include "core/tokenizer/model.h"
#include "core/tokenizer/normalizers.h"
#include "core/tokenizer/post_processor.h"
#include "core/tokenizer/pre_tokenizers.h"

#include <memory>
#include <optional>
#include <vector>

namespace sa::tokenizer
{

struct Pipeline {
    std::unique_ptr<const Normalizer> normalizer;      ///< may be null
    std::unique_ptr<const Normalizer> laterNormalizer; ///< for what follows an added token; null: the same
    std::unique_ptr<const PreTokenizer> preTokenizer;  ///< may be null
    std::unique_ptr<const Model> model;
    std::unique_ptr<const Decoder> decoder;
    AddedTokens added;
    PostProcessor post;
    /// What LlamaTokenizer does by itself when it is not `legacy`: every "▁" of a text is a space to it, and a "▁" at
    /// the very start vanishes before special tokens.
    struct OwnPrefix {
        TokenId mark = kNoToken;
        bool add = false; ///< before an added token that begins a text, too
        std::vector<TokenId> vanishesBefore;
    };
    std::optional<OwnPrefix> ownPrefix;

    static Result<Pipeline> read(const JsonField& root);
    /// Around a model that comes from another format: `parts` has "normalizer", "pre_tokenizer", "post_processor" and
    /// "decoder" as tokenizer.json has them, each may be absent.
    static Result<Pipeline> around(std::unique_ptr<const Model> model, const JsonField& parts,
                                   std::vector<AddedToken> added);
    /// What tokenizer_config.json says about first and last tokens, where the reference lets it overrule
    /// tokenizer.json.
    Result<void> applyConfig(const JsonField& config);

    TokenId maxId() const;
    TokenId idOf(std::string_view token) const;
    bool has(TokenId id) const { return added.find(id) || model->vocabulary().has(id); }
};

} // namespace sa::tokenizer
