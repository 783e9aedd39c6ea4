// SPDX-License-Identifier: GPL-3.0-or-later
// The "pre_tokenizer" of tokenizer.json: cuts a text into pieces that no token crosses.
#pragma once

#include "core/tokenizer/component.h"
#include "core/tokenizer/pieces.h"

#include <memory>

namespace sa::tokenizer
{

/// Immutable and thread-safe.
class PreTokenizer
{
public:
    virtual ~PreTokenizer() = default;
    virtual void apply(Pieces& pieces, RegexScratch& scratch) const = 0;

    /// `growth` is multiplied by the most that the pre-tokenizer can lengthen a text; null in, null out.
    static Result<std::unique_ptr<const PreTokenizer>> read(const JsonField& field, double& growth);
};

} // namespace sa::tokenizer
