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

namespace sa::tokenizer
{

struct Pipeline {
    std::unique_ptr<const Normalizer> normalizer;     ///< may be null
    std::unique_ptr<const PreTokenizer> preTokenizer; ///< may be null
    std::unique_ptr<const Model> model;
    std::unique_ptr<const Decoder> decoder;
    AddedTokens added;
    PostProcessor post;

    static Result<Pipeline> read(const JsonField& root);
    /// What tokenizer_config.json says about first and last tokens, where the reference lets it overrule
    /// tokenizer.json.
    Result<void> applyConfig(const JsonField& config);

    TokenId maxId() const;
    TokenId idOf(std::string_view token) const;
    bool has(TokenId id) const { return added.find(id) || model->vocabulary().has(id); }
};

} // namespace sa::tokenizer
