// SPDX-License-Identifier: GPL-3.0-or-later
// Byte-pair encoding: characters (or, by fallback, bytes) joined in the order of the merges' ranks, leftmost first.
#pragma once

#include "core/tokenizer/merge_table.h"
#include "core/tokenizer/model.h"

#include <array>

namespace sa::tokenizer
{

class BpeModel : public Model
{
public:
    struct Parts {
        Vocabulary vocabulary;
        MergeTable merges;
        TokenId unknown = kNoToken; ///< for characters that are no token; without one they are dropped
        bool byteFallback = false;  ///< such characters become "<0xE2>" and so on, where the vocabulary has these
        bool fuseUnknown = false;   ///< neighbouring unknown characters are one token
        bool ignoreMerges = false;  ///< a piece that is a token as a whole is that token
    };
    static std::unique_ptr<const Model> make(Parts parts);
    static Result<std::unique_ptr<const Model>> read(const JsonField& field);

    std::string type() const override { return "BPE"; }
    const Vocabulary& vocabulary() const override { return m_vocabulary; }
    std::unique_ptr<Scratch> newScratch() const override;
    void tokenize(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const override;

private:
    struct Work;
    BpeModel() = default;
    TokenId characterId(char32_t c, std::string_view bytes) const;
    void tokenizeWords(std::string_view piece, Work& work, std::vector<TokenId>& out) const;
    void tokenizeWord(std::string_view word, Work& work, std::vector<TokenId>& out) const;
    void appendSymbols(std::string_view word, std::vector<TokenId>& symbols) const;
    void mergeShort(std::vector<TokenId>& symbols) const;
    void mergeLong(Work& work) const;

    Vocabulary m_vocabulary;
    MergeTable m_merges;
    std::vector<TokenId> m_characters;  ///< ids of single characters below U+10000
    std::array<TokenId, 256> m_bytes{}; ///< ids of "<0x00>" to "<0xFF>"; kNoToken where absent or not to be used
    TokenId m_unknown = kNoToken;
    bool m_fuseUnknown = false;
    bool m_ignoreMerges = false;
};

} // namespace sa::tokenizer
