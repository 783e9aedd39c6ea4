// SPDX-License-Identifier: GPL-3.0-or-later
// The "normalizer" of tokenizer.json: text to text, before anything is split.
#pragma once

#include "core/tokenizer/component.h"
#include "core/tokenizer/regex.h"

#include <memory>
#include <string>

namespace sa::tokenizer
{

/// Immutable and thread-safe.
class Normalizer
{
public:
    virtual ~Normalizer() = default;
    /// Valid UTF-8 in and out.
    virtual void apply(std::string& text, RegexScratch& scratch) const = 0;

    /// `growth` is multiplied by the most that the normalizer can lengthen a text; null in, null out.
    static Result<std::unique_ptr<const Normalizer>> read(const JsonField& field, double& growth);
};

} // namespace sa::tokenizer
