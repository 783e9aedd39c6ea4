// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/unigram.h"

#include "core/tokenizer/component.h"
#include "core/tokenizer/unicode.h"
#include "core/tokenizer/word_cache.h"

#include <algorithm>
#include <limits>

namespace sa::tokenizer
{

namespace
{

// How much less likely than the least likely token an unknown character is; the value of the reference.
constexpr double kUnknownPenalty = 10.0;
// Positions are 32 bits wide; a longer piece is cut.
constexpr std::size_t kMaxPieceBytes = std::size_t{1} << 30;
// A token that runs over this many bytes is not looked for: it bounds the work at one place of the text.
constexpr std::size_t kMaxTokenBytes = 1024;
constexpr std::size_t kMaxTokens = 1 << 23;

} // namespace

struct UnigramModel::Work : Model::Scratch {
    /// The best way to cut the text up to a place.
    struct Place {
        double score = 0;
        std::uint32_t begin = kUnreached; ///< of its last token
        TokenId token = kNoToken;
        static constexpr std::uint32_t kUnreached = 0xFFFFFFFFu;
    };
    WordCache pieces;
    std::vector<Place> places;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> tokens; ///< begin and end, from the back
};

std::unique_ptr<Model::Scratch> UnigramModel::newScratch() const
{
    return std::make_unique<Work>();
}

Result<std::unique_ptr<const Model>> UnigramModel::read(const JsonField& field)
{
    SA_CHECK(onlyFields(field, {"unk_id", "vocab", "byte_fallback"}));
    SA_TRY(const JsonField vocab, field.at("vocab"));
    SA_TRY(const auto entries, vocab.elements(kMaxTokens));
    if (entries.empty())
        return vocab.wrong("a vocabulary that is not empty");
    auto out = std::unique_ptr<UnigramModel>(new UnigramModel);
    std::vector<std::string> tokens;
    tokens.reserve(entries.size());
    out->m_scores.reserve(entries.size());
    double lowest = std::numeric_limits<double>::infinity();
    for (const JsonField& entry : entries) {
        if (!entry.isArray() || entry.raw().size() != 2)
            return entry.wrong("a token and its score");
        const JsonField text(entry.raw()[0], entry.file(), entry.path() + "[0]");
        const JsonField number(entry.raw()[1], entry.file(), entry.path() + "[1]");
        SA_TRY(std::string token, text.asString());
        SA_TRY(const double score, number.asDouble(-1e30, 1e30));
        tokens.push_back(std::move(token));
        out->m_scores.push_back(score);
        lowest = std::min(lowest, score);
    }
    // Without one the reference fails as soon as a text has a character that is no token.
    SA_TRY(const std::int64_t unknown, field.intAt("unk_id", 0, static_cast<std::int64_t>(tokens.size()) - 1));
    SA_TRY(const bool byteFallback, field.boolOr("byte_fallback", false));
    out->m_unknown = static_cast<TokenId>(unknown);
    out->m_unknownScore = lowest - kUnknownPenalty;
    out->m_vocabulary = Vocabulary::fromList(tokens);
    out->m_bytes.fill(kNoToken);
    if (byteFallback)
        out->m_bytes = byteTokens(out->m_vocabulary);
    out->buildTrie();
    return std::unique_ptr<const Model>(std::move(out));
}

/// From the sorted tokens, level by level: the children of a node are cut from its own run of tokens.
void UnigramModel::buildTrie()
{
    std::vector<TokenId> sorted;
    for (TokenId id = 0; id <= m_vocabulary.maxId(); ++id) {
        const std::string_view text = m_vocabulary.text(id);
        if (!text.empty() && text.size() <= kMaxTokenBytes && m_vocabulary.idOf(text) == id)
            sorted.push_back(id);
    }
    std::sort(sorted.begin(), sorted.end(),
              [&](TokenId a, TokenId b) { return m_vocabulary.text(a) < m_vocabulary.text(b); });
    struct Range {
        std::size_t begin, end, depth;
    };
    std::vector<Range> ranges{{0, sorted.size(), 0}}; // by node
    m_nodes.assign(1, {});
    for (std::size_t node = 0; node < ranges.size(); ++node) {
        auto [at, end, depth] = ranges[node];
        if (at < end && m_vocabulary.text(sorted[at]).size() == depth)
            m_nodes[node].token = sorted[at++];
        m_nodes[node].firstEdge = static_cast<std::uint32_t>(m_edges.size());
        while (at < end) {
            const auto byte = static_cast<unsigned char>(m_vocabulary.text(sorted[at])[depth]);
            const std::size_t begin = at;
            while (at < end && static_cast<unsigned char>(m_vocabulary.text(sorted[at])[depth]) == byte)
                ++at;
            m_edges.push_back({byte, static_cast<std::uint32_t>(m_nodes.size())});
            ranges.push_back({begin, at, depth + 1});
            m_nodes.emplace_back();
        }
        m_nodes[node].edgeCount = static_cast<std::uint32_t>(m_edges.size()) - m_nodes[node].firstEdge;
    }
    for (std::uint32_t i = 0; i < m_nodes[0].edgeCount; ++i)
        m_rootChildren[m_edges[i].byte] = m_edges[i].child;
}

/// 0 when there is none: the root is nobody's child.
std::uint32_t UnigramModel::child(std::uint32_t node, unsigned char byte) const
{
    if (node == 0)
        return m_rootChildren[byte];
    const auto first = m_edges.begin() + m_nodes[node].firstEdge;
    const auto last = first + m_nodes[node].edgeCount;
    const auto edge = std::lower_bound(first, last, byte, [](const Edge& e, unsigned char b) { return e.byte < b; });
    return edge != last && edge->byte == byte ? edge->child : 0;
}

void UnigramModel::findBestPath(std::string_view piece, Work& work) const
{
    auto& places = work.places;
    places.assign(piece.size() + 1, {});
    const auto offer = [&](std::size_t begin, std::size_t end, TokenId token, double score) {
        Work::Place& target = places[end];
        if (target.begin == Work::Place::kUnreached || score > target.score)
            target = {score, static_cast<std::uint32_t>(begin), token};
    };
    for (std::size_t begin = 0; begin < piece.size();) {
        std::size_t next = begin;
        nextCodePoint(piece, next);
        const double soFar = places[begin].score;
        bool characterIsToken = false;
        std::uint32_t node = 0;
        for (std::size_t at = begin; at < piece.size();) {
            node = child(node, static_cast<unsigned char>(piece[at++]));
            if (node == 0)
                break;
            const TokenId token = m_nodes[node].token;
            if (token == kNoToken)
                continue;
            offer(begin, at, token, m_scores[static_cast<std::size_t>(token)] + soFar);
            characterIsToken = characterIsToken || at == next;
        }
        if (!characterIsToken)
            offer(begin, next, m_unknown, m_unknownScore + soFar);
        begin = next;
    }
}

/// The reference asks for ids by text: unknown characters that were joined may well be a token together.
void UnigramModel::appendIds(std::string_view token, std::vector<TokenId>& out) const
{
    const TokenId id = m_vocabulary.idOf(token);
    if (id != kNoToken) {
        out.push_back(id);
        return;
    }
    const auto byteId = [&](char byte) { return m_bytes[static_cast<unsigned char>(byte)]; };
    if (std::all_of(token.begin(), token.end(), [&](char byte) { return byteId(byte) != kNoToken; })) {
        for (const char byte : token)
            out.push_back(byteId(byte));
        return;
    }
    out.push_back(m_unknown);
}

void UnigramModel::tokenize(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const
{
    Work& work = static_cast<Work&>(scratch);
    while (piece.size() > kMaxPieceBytes) {
        const std::size_t cut = lastCharacterStart(piece.substr(0, kMaxPieceBytes));
        tokenize(piece.substr(0, cut), scratch, out);
        piece.remove_prefix(cut);
    }
    const bool cacheable = piece.size() <= WordCache::kMaxWordBytes;
    const std::uint64_t hash = cacheable ? hashBytes(piece) : 0;
    if (cacheable && work.pieces.find(piece, hash, out))
        return;
    const std::size_t firstOut = out.size();
    findBestPath(piece, work);
    work.tokens.clear();
    bool afterUnknown = false;
    for (auto end = static_cast<std::uint32_t>(piece.size()); end > 0; end = work.places[end].begin) {
        const auto& place = work.places[end];
        const bool unknown = place.token == m_unknown;
        if (unknown && afterUnknown)
            work.tokens.back().first = place.begin;
        else
            work.tokens.emplace_back(place.begin, end);
        afterUnknown = unknown;
    }
    for (auto token = work.tokens.rbegin(); token != work.tokens.rend(); ++token)
        appendIds(piece.substr(token->first, token->second - token->first), out);
    if (cacheable)
        work.pieces.insert(piece, hash, std::span(out).subspan(firstOut));
}

} // namespace sa::tokenizer
