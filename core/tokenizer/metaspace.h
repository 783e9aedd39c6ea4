// SPDX-License-Identifier: GPL-3.0-or-later
// SentencePiece's convention in tokenizer.json: spaces become a visible character ("▁"), and one may be put in front.
// The same object is a pre-tokenizer and a decoder.
#pragma once

#include "core/tokenizer/pre_tokenizers.h"

namespace sa::tokenizer
{

struct Metaspace {
    enum class Prepend {
        Always, ///< before every section between added tokens
        First,  ///< only where the user's text begins
        Never,
    };
    std::string replacement; ///< one character
    Prepend prepend = Prepend::Always;
    bool split = true;
};

/// Reads both spellings: `prepend_scheme` and `split`, or the older `add_prefix_space` (and `str_rep`).
Result<Metaspace> readMetaspace(const JsonField& field);
Result<std::unique_ptr<const PreTokenizer>> readMetaspacePreTokenizer(const JsonField& field, double& growth);

} // namespace sa::tokenizer
