// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/sentencepiece_file.h"

#include "core/tokenizer/precompiled.h"

#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <sentencepiece_processor.h>

namespace sa::tokenizer
{

namespace
{

// The library tells everything about pieces, and nothing about the settings they were made with. Those are read here,
// by number, from sentencepiece_model.proto.
constexpr std::uint64_t kTrainerSpec = 2, kModelType = 3, kWhitespaceSuffix = 24, kByteFallback = 35;
constexpr std::uint64_t kNormalizerSpec = 3, kCharsMap = 2, kDummyPrefix = 3, kRemoveSpaces = 4, kEscapeSpaces = 5;
constexpr std::uint64_t kBpe = 2;

/// One level of a protobuf message: numbers and byte strings by field number. False when the bytes are not one.
bool readMessage(std::string_view bytes, const std::function<void(std::uint64_t, std::uint64_t)>& number,
                 const std::function<void(std::uint64_t, std::string_view)>& text)
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
    while (at < bytes.size()) {
        const auto tag = varint();
        if (!tag)
            return false;
        const auto kind = *tag & 7;
        if (kind == 0) {
            const auto value = varint();
            if (!value)
                return false;
            number(*tag >> 3, *value);
        } else if (kind == 2) {
            const auto size = varint();
            if (!size || *size > bytes.size() - at)
                return false;
            text(*tag >> 3, bytes.substr(at, *size));
            at += *size;
        } else {
            const std::size_t width = kind == 1 ? 8 : kind == 5 ? 4 : 0;
            if (width == 0 || bytes.size() - at < width)
                return false;
            at += width;
        }
    }
    return true;
}

struct Settings {
    std::uint64_t modelType = 1;
    bool byteFallback = false, whitespaceSuffix = false;
    bool addDummyPrefix = true, removeSpaces = true, escapeSpaces = true;
    std::string charsMap;
};

std::optional<Settings> readSettings(std::string_view bytes)
{
    Settings out;
    bool intact = true;
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
            out.charsMap = value;
    };
    const auto ignoreNumber = [](std::uint64_t, std::uint64_t) {};
    const auto ignoreText = [](std::uint64_t, std::string_view) {};
    intact = readMessage(bytes, ignoreNumber,
                         [&](std::uint64_t field, std::string_view message) {
                             if (field == kTrainerSpec)
                                 intact = readMessage(message, trainer, ignoreText) && intact;
                             else if (field == kNormalizerSpec)
                                 intact = readMessage(message, normalizer, normalizerText) && intact;
                         }) &&
             intact;
    return intact ? std::optional(std::move(out)) : std::nullopt;
}

SentencePieceFile::Kind kindOf(const sentencepiece::SentencePieceProcessor& processor, int id)
{
    using Kind = SentencePieceFile::Kind;
    if (processor.IsUnknown(id))
        return Kind::Unknown;
    if (processor.IsControl(id))
        return Kind::Control;
    if (processor.IsUnused(id))
        return Kind::Unused;
    return processor.IsByte(id) ? Kind::Byte : Kind::Normal;
}

/// The library does not tell user-defined pieces from normal ones.
Result<void> markUserDefined(std::string_view bytes, const std::string& file,
                             std::vector<SentencePieceFile::Piece>& out)
{
    constexpr std::uint64_t kPieces = 1, kType = 3, kUserDefined = 4;
    std::size_t id = 0;
    readMessage(
        bytes, [](std::uint64_t, std::uint64_t) {},
        [&](std::uint64_t field, std::string_view message) {
            if (field != kPieces)
                return;
            std::uint64_t type = 1;
            readMessage(
                message,
                [&](std::uint64_t inner, std::uint64_t value) {
                    if (inner == kType)
                        type = value;
                },
                [](std::uint64_t, std::string_view) {});
            if (type == kUserDefined && id < out.size())
                out[id].kind = SentencePieceFile::Kind::UserDefined;
            ++id;
        });
    if (id != out.size())
        return makeError(Errc::BadFormat, "the list of pieces is damaged").in(file);
    return {};
}

} // namespace

Result<SentencePieceFile> SentencePieceFile::parse(std::string bytes, const std::string& file, bool noDummyPrefix)
{
    const auto broken = [&](const std::string& found) {
        return makeError(Errc::BadFormat, "this is not a SentencePiece model")
            .in(file)
            .butFound(found)
            .tryThis("Download the file again; a Git LFS pointer in its place is a few lines of text");
    };
    // A later value overrules an earlier one: normalizer_spec { add_dummy_prefix: false }.
    if (noDummyPrefix)
        bytes += std::string_view("\x1A\x02\x18\x00", 4);
    auto settings = readSettings(bytes);
    if (!settings)
        return broken("bytes that are no protobuf message");
    if (!settings->charsMap.empty()) { // the library follows these rules without looking
        auto map = CharacterMap::parse(settings->charsMap);
        if (!map)
            return std::move(map).error().in(file).at("normalizer_spec.precompiled_charsmap");
    }
    auto processor = std::make_shared<sentencepiece::SentencePieceProcessor>();
    const auto status = processor->LoadFromSerializedProto(bytes);
    if (!status.ok())
        return broken(display(status.ToString()));

    SentencePieceFile out;
    const int count = processor->GetPieceSize();
    if (count <= 0)
        return broken("no pieces");
    for (int id = 0; id < count; ++id) {
        Piece piece{processor->IdToPiece(id), processor->GetScore(id), kindOf(*processor, id)};
        if (!std::isfinite(piece.score))
            return makeError(Errc::BadFormat, "the score of a piece is not a number")
                .in(file)
                .at("pieces[" + std::to_string(id) + "].score");
        if (piece.kind == Kind::Unknown)
            out.unknown = id;
        out.pieces.push_back(std::move(piece));
    }
    SA_CHECK(markUserDefined(bytes, file, out.pieces));
    out.isBpe = settings->modelType == kBpe;
    out.byteFallback = settings->byteFallback;
    out.addDummyPrefix = settings->addDummyPrefix;
    out.onlyEscapesSpaces =
        settings->charsMap.empty() && !settings->removeSpaces && settings->escapeSpaces && !settings->whitespaceSuffix;
    out.processor = std::move(processor);
    return out;
}

} // namespace sa::tokenizer
