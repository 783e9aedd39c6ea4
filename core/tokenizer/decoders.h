// SPDX-License-Identifier: GPL-3.0-or-later
// The "decoder" of tokenizer.json: tokens to text. Every decoder is a stage that takes tokens in parts and passes on
// what is certain, so that decoding a whole list and decoding a stream are one piece of code.
#pragma once

#include "core/tokenizer/component.h"

#include <memory>
#include <string>
#include <string_view>

namespace sa::tokenizer
{

/// Receives tokens: any number of text() for one token, then endToken(). finish() ends the list.
class TokenSink
{
public:
    virtual ~TokenSink() = default;
    virtual void text(std::string_view part) = 0; ///< whole characters
    virtual void endToken() = 0;
    virtual void finish() = 0; ///< afterwards the stage is as new
};

/// Immutable and thread-safe; the stages it makes are for one thread.
class Decoder
{
public:
    virtual ~Decoder() = default;
    /// A chain of stages that ends in `next` (borrowed). The stages are appended to `owners`, first stage last.
    virtual void makeStages(TokenSink& next, std::vector<std::unique_ptr<TokenSink>>& owners) const = 0;

    /// `growth` is multiplied by the most that the decoder can lengthen a text. Null: tokens are joined by spaces.
    static Result<std::unique_ptr<const Decoder>> read(const JsonField& field, double& growth);
};

} // namespace sa::tokenizer
