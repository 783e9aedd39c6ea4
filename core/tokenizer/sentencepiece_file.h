// SPDX-License-Identifier: GPL-3.0-or-later
// A SentencePiece model, read and checked by the SentencePiece library.
#pragma once

#include "core/base/result.h"
#include "core/tokenizer/token_id.h"

#include <memory>
#include <string>
#include <vector>

namespace sentencepiece
{
class SentencePieceProcessor;
}

namespace sa::tokenizer
{

struct SentencePieceFile {
    enum class Kind { Normal, Unknown, Control, UserDefined, Unused, Byte };
    struct Piece {
        std::string text;
        float score = 0;
        Kind kind = Kind::Normal;
    };
    std::vector<Piece> pieces; ///< by id
    TokenId unknown = -1;
    bool isBpe = false;
    bool byteFallback = false;
    bool addDummyPrefix = true; ///< a "▁" before every text
    /// Nothing is normalised but that spaces become "▁".
    bool onlyEscapesSpaces = false;
    std::shared_ptr<const sentencepiece::SentencePieceProcessor> processor; ///< thread-safe; adds its dummy prefix

    /// `file` is only used in errors. With `noDummyPrefix` the model's own setting is overruled.
    static Result<SentencePieceFile> parse(std::string bytes, const std::string& file, bool noDummyPrefix);
};

} // namespace sa::tokenizer
