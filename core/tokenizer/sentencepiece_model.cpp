// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/sentencepiece_model.h"

#include "core/tokenizer/unicode.h"

#include <sentencepiece_processor.h>

namespace sa::tokenizer
{

namespace
{

// The library keeps some 100 bytes for each one of a text; longer texts are cut.
constexpr std::size_t kMaxPieceBytes = std::size_t{32} << 20;

} // namespace

SentencePieceModel::SentencePieceModel(const SentencePieceFile& file)
    : m_processor(file.processor)
{
    std::vector<std::string> tokens;
    for (const auto& piece : file.pieces)
        tokens.push_back(piece.text);
    m_vocabulary = Vocabulary::fromList(tokens);
}

std::unique_ptr<Model::Scratch> SentencePieceModel::newScratch() const
{
    return std::make_unique<Scratch>();
}

void SentencePieceModel::tokenize(std::string_view piece, Scratch&, std::vector<TokenId>& out) const
{
    while (!piece.empty()) {
        const std::size_t size =
            piece.size() <= kMaxPieceBytes ? piece.size() : lastCharacterStart(piece.substr(0, kMaxPieceBytes));
        std::vector<int> ids;
        if (m_processor->Encode(piece.substr(0, size), &ids).ok()) // fails for models that were not loaded only
            out.insert(out.end(), ids.begin(), ids.end());
        piece.remove_prefix(size);
    }
}

} // namespace sa::tokenizer
