// SPDX-License-Identifier: GPL-3.0-or-later
// A unigram model: of all ways to cut a piece into tokens, the one whose log probabilities have the largest sum.
// Sums, ties and unknown characters as in Hugging Face tokenizers, so that ids agree to the last one.
#pragma once

#include "core/tokenizer/model.h"

#include <array>

namespace sa::tokenizer
{

class UnigramModel : public Model
{
public:
    static Result<std::unique_ptr<const Model>> read(const JsonField& field);

    std::string type() const override { return "Unigram"; }
    const Vocabulary& vocabulary() const override { return m_vocabulary; }
    std::unique_ptr<Scratch> newScratch() const override;
    void tokenize(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const override;

private:
    struct Work;
    /// A trie over the bytes of the tokens. Children of a node are one run of m_edges, sorted by byte.
    struct Node {
        std::uint32_t firstEdge = 0;
        std::uint32_t edgeCount = 0;
        TokenId token = kNoToken;
    };
    struct Edge {
        unsigned char byte = 0;
        std::uint32_t child = 0;
    };
    UnigramModel() = default;
    void buildTrie();
    std::uint32_t child(std::uint32_t node, unsigned char byte) const;
    void findBestPath(std::string_view piece, Work& work) const;
    void appendIds(std::string_view token, std::vector<TokenId>& out) const;

    Vocabulary m_vocabulary;
    std::vector<double> m_scores; ///< by id
    std::vector<Node> m_nodes;    ///< the root is the first
    std::vector<Edge> m_edges;
    std::array<std::uint32_t, 256> m_rootChildren{}; ///< 0: none
    std::array<TokenId, 256> m_bytes{};              ///< kNoToken where absent or not to be used
    TokenId m_unknown = kNoToken;
    double m_unknownScore = 0;
};

} // namespace sa::tokenizer
