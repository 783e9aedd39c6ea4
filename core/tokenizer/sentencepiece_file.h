// SPDX-License-Identifier: GPL-3.0-or-later
// A SentencePiece model: the protobuf message ModelProto of sentencepiece_model.proto, read without the library (see
// docs/decisions/0005-sentencepiece-without-its-library.md).
#pragma once

#include "core/base/result.h"
#include "core/tokenizer/token_id.h"

#include <string>
#include <string_view>
#include <vector>

namespace sa::tokenizer
{

struct SentencePieceFile {
    enum class Kind { Normal = 1, Unknown, Control, UserDefined, Unused, Byte }; ///< as numbered in the file
    struct Piece {
        std::string text; ///< valid UTF-8, not empty
        float score = 0;  ///< finite
        Kind kind = Kind::Normal;
    };
    std::vector<Piece> pieces; ///< by id, texts all different
    TokenId unknown = -1;
    bool isBpe = false;
    bool byteFallback = false;
    bool addDummyPrefix = true; ///< a "▁" before every text
    /// Nothing is normalised but that spaces become "▁".
    bool onlyEscapesSpaces = false;

    /// `file` is only used in errors.
    static Result<SentencePieceFile> parse(std::string_view bytes, const std::string& file);
};

} // namespace sa::tokenizer
