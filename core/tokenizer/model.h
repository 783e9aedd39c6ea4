// SPDX-License-Identifier: GPL-3.0-or-later
// The "model" of tokenizer.json: turns one piece of text into ids.
#pragma once

#include "core/tokenizer/vocabulary.h"

#include <memory>
#include <string_view>
#include <vector>

namespace sa::tokenizer
{

/// Immutable and thread-safe; what changes lives in the scratch of one call.
class Model
{
public:
    class Scratch
    {
    public:
        virtual ~Scratch() = default;
    };

    virtual ~Model() = default;
    virtual std::string type() const = 0;
    virtual const Vocabulary& vocabulary() const = 0;
    virtual std::unique_ptr<Scratch> newScratch() const = 0;
    /// Appends the ids of `piece` (valid UTF-8). `scratch` comes from this model's newScratch().
    virtual void tokenize(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const = 0;

    static Result<std::unique_ptr<const Model>> read(const JsonField& field);
};

} // namespace sa::tokenizer
