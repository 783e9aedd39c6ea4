// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/sentencepiece_file.h"

#include "core/tokenizer/unicode.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_set>

namespace sa::tokenizer
{

namespace
{

// Field numbers of sentencepiece_model.proto.
constexpr std::uint64_t kPieces = 1, kPieceText = 1, kPieceScore = 2, kPieceKind = 3;
constexpr std::uint64_t kTrainerSpec = 2, kModelType = 3, kWhitespaceSuffix = 24, kByteFallback = 35;
constexpr std::uint64_t kNormalizerSpec = 3, kCharsMap = 2, kDummyPrefix = 3, kRemoveSpaces = 4, kEscapeSpaces = 5;
constexpr std::uint64_t kUnigram = 1, kBpe = 2;
constexpr std::size_t kMaxPieces = 1 << 23;

using OnNumber = std::function<void(std::uint64_t field, std::uint64_t value)>;
using OnText = std::function<void(std::uint64_t field, std::string_view value)>;

/// One level of a protobuf message; numbers of four bytes are passed on as numbers. False when it is not one.
bool readMessage(std::string_view bytes, const OnNumber& onNumber, const OnText& onText)
{
    std::size_t at = 0;
    const auto varint = [&]() -> std::optional<std::uint64_t> {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64 && at < bytes.size(); shift += 7) {
            const auto byte = static_cast<unsigned char>(bytes[at++]);
            value |= std::uint64_t{byte & 0x7Fu} << shift;
            if (byte < 0x80)
                return value;
        }
        return std::nullopt;
    };
    const auto fixed = [&](std::size_t width) {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < width; ++i)
            value |= std::uint64_t{static_cast<unsigned char>(bytes[at++])} << (8 * i);
        return value;
    };
    while (at < bytes.size()) {
        const auto tag = varint();
        if (!tag || *tag >> 3 == 0)
            return false;
        const auto wireType = *tag & 7;
        if (wireType == 0) {
            const auto value = varint();
            if (!value)
                return false;
            onNumber(*tag >> 3, *value);
        } else if (wireType == 2) {
            const auto size = varint();
            if (!size || *size > bytes.size() - at)
                return false;
            onText(*tag >> 3, bytes.substr(at, *size));
            at += *size;
        } else {
            const std::size_t width = wireType == 1 ? 8 : wireType == 5 ? 4 : 0;
            if (width == 0 || bytes.size() - at < width)
                return false;
            onNumber(*tag >> 3, fixed(width));
        }
    }
    return true;
}

struct Contents {
    std::vector<SentencePieceFile::Piece> pieces;
    std::vector<std::uint64_t> kinds; ///< as written
    std::uint64_t modelType = kUnigram;
    bool byteFallback = false, whitespaceSuffix = false, hasCharsMap = false;
    bool addDummyPrefix = true, removeSpaces = true, escapeSpaces = true;
};

/// False when the bytes are no such message.
bool readContents(std::string_view bytes, Contents& out)
{
    bool intact = true;
    const auto ignoreNumber = [](std::uint64_t, std::uint64_t) {};
    const auto ignoreText = [](std::uint64_t, std::string_view) {};
    const auto piece = [&](std::string_view message) {
        SentencePieceFile::Piece one;
        std::uint64_t kind = 1;
        intact = intact && out.pieces.size() < kMaxPieces &&
                 readMessage(
                     message,
                     [&](std::uint64_t field, std::uint64_t value) {
                         if (field == kPieceScore)
                             one.score = std::bit_cast<float>(static_cast<std::uint32_t>(value));
                         else if (field == kPieceKind)
                             kind = value;
                     },
                     [&](std::uint64_t field, std::string_view text) {
                         if (field == kPieceText)
                             one.text = text;
                     });
        out.pieces.push_back(std::move(one));
        out.kinds.push_back(kind);
    };
    const auto trainer = [&](std::uint64_t field, std::uint64_t value) {
        if (field == kModelType)
            out.modelType = value;
        else if (field == kByteFallback)
            out.byteFallback = value != 0;
        else if (field == kWhitespaceSuffix)
            out.whitespaceSuffix = value != 0;
    };
    const auto normalizer = [&](std::uint64_t field, std::uint64_t value) {
        if (field == kDummyPrefix)
            out.addDummyPrefix = value != 0;
        else if (field == kRemoveSpaces)
            out.removeSpaces = value != 0;
        else if (field == kEscapeSpaces)
            out.escapeSpaces = value != 0;
    };
    const auto normalizerText = [&](std::uint64_t field, std::string_view value) {
        if (field == kCharsMap)
            out.hasCharsMap = !value.empty();
    };
    const bool whole = readMessage(bytes, ignoreNumber, [&](std::uint64_t field, std::string_view message) {
        if (field == kPieces)
            piece(message);
        else if (field == kTrainerSpec)
            intact = intact && readMessage(message, trainer, ignoreText);
        else if (field == kNormalizerSpec)
            intact = intact && readMessage(message, normalizer, normalizerText);
    });
    return whole && intact;
}

} // namespace

Result<SentencePieceFile> SentencePieceFile::parse(std::string_view bytes, const std::string& file)
{
    Contents contents;
    if (!readContents(bytes, contents) || contents.pieces.empty())
        return makeError(Errc::BadFormat, "this is not a SentencePiece model")
            .in(file)
            .butFound(std::to_string(bytes.size()) + " bytes that are no list of pieces")
            .tryThis("Download the file again; a Git LFS pointer in its place is a few lines of text");
    SentencePieceFile out;
    out.pieces = std::move(contents.pieces);
    const auto wrong = [&](std::size_t id, const std::string& what) {
        return makeError(Errc::BadFormat, "this piece of the SentencePiece model is damaged")
            .in(file)
            .at("pieces[" + std::to_string(id) + "]")
            .butFound(what);
    };
    std::unordered_set<std::string_view> seen;
    for (std::size_t id = 0; id < out.pieces.size(); ++id) {
        Piece& piece = out.pieces[id];
        std::string unused;
        if (piece.text.empty() || toValidUtf8(piece.text, unused).data() != piece.text.data())
            return wrong(id, piece.text.empty() ? "no text" : "a text that is not UTF-8");
        if (!seen.insert(piece.text).second)
            return wrong(id, "\"" + display(piece.text, 60) + "\" for the second time");
        if (!std::isfinite(piece.score))
            return wrong(id, "a score that is not a number");
        if (contents.kinds[id] < 1 || contents.kinds[id] > 6)
            return wrong(id, "kind " + std::to_string(contents.kinds[id]));
        piece.kind = static_cast<Kind>(contents.kinds[id]);
        if (piece.kind == Kind::Unknown) {
            if (out.unknown >= 0)
                return wrong(id, "a second unknown piece");
            out.unknown = static_cast<TokenId>(id);
        }
    }
    if (out.unknown < 0)
        return makeError(Errc::BadFormat, "the SentencePiece model has no piece for unknown characters").in(file);
    out.isBpe = contents.modelType == kBpe;
    out.byteFallback = contents.byteFallback;
    out.addDummyPrefix = contents.addDummyPrefix;
    out.onlyEscapesSpaces =
        !contents.hasCharsMap && !contents.removeSpaces && contents.escapeSpaces && !contents.whitespaceSuffix;
    return out;
}

} // namespace sa::tokenizer
