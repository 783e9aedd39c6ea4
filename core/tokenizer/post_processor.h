// SPDX-License-Identifier: GPL-3.0-or-later
// The "post_processor" of tokenizer.json: the special tokens around an encoded text.
#pragma once

#include "core/tokenizer/component.h"
#include "core/tokenizer/vocabulary.h"

#include <functional>
#include <vector>

namespace sa::tokenizer
{

struct PostProcessor {
    std::vector<TokenId> before;
    std::vector<TokenId> after;

    /// `isKnown` tells whether an id exists in this tokenizer. Null gives one that adds nothing.
    static Result<PostProcessor> read(const JsonField& field, const std::function<bool(TokenId)>& isKnown);
};

} // namespace sa::tokenizer
