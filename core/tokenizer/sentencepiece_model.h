// SPDX-License-Identifier: GPL-3.0-or-later
// A SentencePiece model that the library itself runs: unigram models, and those that normalise texts. Slower than ours
// (about 1 MB/s), and the same as the reference by construction.
#pragma once

#include "core/tokenizer/model.h"
#include "core/tokenizer/sentencepiece_file.h"

namespace sa::tokenizer
{

class SentencePieceModel : public Model
{
public:
    explicit SentencePieceModel(const SentencePieceFile& file);

    std::string type() const override { return "SentencePiece"; }
    const Vocabulary& vocabulary() const override { return m_vocabulary; }
    std::unique_ptr<Scratch> newScratch() const override;
    void tokenize(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const override;

private:
    std::shared_ptr<const sentencepiece::SentencePieceProcessor> m_processor;
    Vocabulary m_vocabulary;
};

} // namespace sa::tokenizer
