// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/bpe.h"

#include "core/tokenizer/component.h"
#include "core/tokenizer/unicode.h"
#include "core/tokenizer/word_cache.h"

#include <algorithm>
#include <functional>

namespace sa::tokenizer
{

namespace
{

// Below this many symbols a scan for the best pair is faster than a queue.
constexpr std::size_t kShortWord = 40;
// Positions are 32 bits wide; a longer piece is cut, and only a token across the cut could tell.
constexpr std::size_t kMaxPieceBytes = std::size_t{1} << 30;

} // namespace

struct BpeModel::Work : Model::Scratch {
    WordCache pieces; ///< whole pieces, where ignore_merges applies
    WordCache words;  ///< parts of long pieces, where it does not
    std::vector<TokenId> symbols;
    // For mergeLong:
    struct Node {
        TokenId id = kNoToken;
        std::uint32_t previous = 0;
        std::uint32_t next = 0;
    };
    std::vector<Node> nodes;            ///< by position
    std::vector<std::uint64_t> initial; ///< rank << 32 | position, sorted
    std::vector<std::uint64_t> queue;   ///< the same for pairs that came up later, a heap with the smallest on top
};

std::unique_ptr<Model::Scratch> BpeModel::newScratch() const
{
    return std::make_unique<Work>();
}

Result<std::unique_ptr<const Model>> BpeModel::read(const JsonField& field)
{
    SA_CHECK(onlyFields(field, {"dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
                                "byte_fallback", "ignore_merges", "vocab", "merges"}));
    if (const auto dropout = field.find("dropout")) {
        SA_TRY(const double value, dropout->asDouble(0, 1));
        if (value > 0)
            return makeError(Errc::Unsupported, "a random dropout of merges gives different ids every time")
                .in(dropout->file())
                .at(dropout->path())
                .tryThis("Set it to null: it is meant for training");
    }
    for (const char* const key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
        SA_TRY(const std::string affix, field.stringOr(key, ""));
        if (!affix.empty())
            return makeError(Errc::Unsupported, "tokens with a prefix or suffix mark are not supported")
                .in(field.file())
                .at(field.path() + "." + key)
                .butFound("\"" + display(affix, 60) + "\"");
    }
    Parts parts;
    SA_TRY(parts.fuseUnknown, field.boolOr("fuse_unk", false));
    SA_TRY(parts.ignoreMerges, field.boolOr("ignore_merges", false));
    SA_TRY(parts.byteFallback, field.boolOr("byte_fallback", false));
    SA_TRY(const JsonField vocab, field.at("vocab"));
    SA_TRY(parts.vocabulary, Vocabulary::read(vocab));
    SA_TRY(const JsonField merges, field.at("merges"));
    SA_TRY(parts.merges, MergeTable::read(merges, parts.vocabulary));
    if (const auto unknown = field.find("unk_token")) {
        SA_TRY(const std::string token, unknown->asString());
        parts.unknown = parts.vocabulary.idOf(token);
        if (parts.unknown == kNoToken)
            return unknown->wrong("a token of model.vocab");
    }
    return make(std::move(parts));
}

std::unique_ptr<const Model> BpeModel::make(Parts parts)
{
    auto out = std::unique_ptr<BpeModel>(new BpeModel);
    out->m_vocabulary = std::move(parts.vocabulary);
    out->m_merges = std::move(parts.merges);
    out->m_unknown = parts.unknown;
    out->m_fuseUnknown = parts.fuseUnknown;
    out->m_ignoreMerges = parts.ignoreMerges;
    out->m_bytes.fill(kNoToken);
    if (parts.byteFallback)
        out->m_bytes = byteTokens(out->m_vocabulary);
    out->m_characters.assign(0x10000, kNoToken);
    for (TokenId id = 0; id <= out->m_vocabulary.maxId(); ++id) {
        const char32_t c = singleCodePoint(out->m_vocabulary.text(id));
        if (c < out->m_characters.size())
            out->m_characters[c] = id;
    }
    return out;
}

TokenId BpeModel::characterId(char32_t c, std::string_view bytes) const
{
    return c < 0x10000 ? m_characters[c] : m_vocabulary.idOf(bytes);
}

void BpeModel::tokenize(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const
{
    Work& work = static_cast<Work&>(scratch);
    while (piece.size() > kMaxPieceBytes) {
        const std::size_t cut = lastCharacterStart(piece.substr(0, kMaxPieceBytes));
        tokenizeWords(piece.substr(0, cut), work, out);
        piece.remove_prefix(cut);
    }
    const bool cacheable = piece.size() <= WordCache::kMaxWordBytes;
    const std::uint64_t hash = cacheable ? hashBytes(piece) : 0;
    if (cacheable && work.pieces.find(piece, hash, out))
        return;
    const std::size_t begin = out.size();
    const TokenId whole = m_ignoreMerges ? m_vocabulary.idOf(piece) : kNoToken;
    if (whole != kNoToken)
        out.push_back(whole);
    else if (cacheable)
        tokenizeWord(piece, work, out);
    else
        tokenizeWords(piece, work, out);
    if (cacheable)
        work.pieces.insert(piece, hash, std::span(out).subspan(begin));
}

/// Cuts a long piece wherever no merge can reach across. SentencePiece-style tokenizers have no pre-tokenizer, and a
/// whole book is one piece; this finds its words again without assuming what a word is.
void BpeModel::tokenizeWords(std::string_view piece, Work& work, std::vector<TokenId>& out) const
{
    const auto flush = [&](std::string_view word) {
        if (word.size() > WordCache::kMaxWordBytes) {
            tokenizeWord(word, work, out);
            return;
        }
        const std::uint64_t hash = hashBytes(word);
        if (work.words.find(word, hash, out))
            return;
        const std::size_t begin = out.size();
        tokenizeWord(word, work, out);
        work.words.insert(word, hash, std::span(out).subspan(begin));
    };
    std::size_t wordBegin = 0;
    char32_t previous = 0;
    bool previousKnown = false; // unknown characters become bytes or <unk>, which have merges of their own
    for (std::size_t at = 0; at < piece.size();) {
        const std::size_t begin = at;
        const char32_t c = nextCodePoint(piece, at);
        const bool known = characterId(c, piece.substr(begin, at - begin)) != kNoToken;
        if (known && previousKnown && !m_merges.canJoin(previous, c)) {
            flush(piece.substr(wordBegin, begin - wordBegin));
            wordBegin = begin;
        }
        previous = c;
        previousKnown = known;
    }
    if (wordBegin < piece.size())
        flush(piece.substr(wordBegin));
}

void BpeModel::tokenizeWord(std::string_view word, Work& work, std::vector<TokenId>& out) const
{
    work.symbols.clear();
    appendSymbols(word, work.symbols);
    if (work.symbols.size() <= kShortWord)
        mergeShort(work.symbols);
    else
        mergeLong(work);
    out.insert(out.end(), work.symbols.begin(), work.symbols.end());
}

void BpeModel::appendSymbols(std::string_view word, std::vector<TokenId>& symbols) const
{
    bool pendingUnknown = false;
    for (std::size_t at = 0; at < word.size();) {
        const std::size_t begin = at;
        const char32_t c = nextCodePoint(word, at);
        const std::string_view bytes = word.substr(begin, at - begin);
        const TokenId id = characterId(c, bytes);
        if (id != kNoToken) {
            if (pendingUnknown)
                symbols.push_back(m_unknown);
            pendingUnknown = false;
            symbols.push_back(id);
            continue;
        }
        const auto byteId = [&](char byte) { return m_bytes[static_cast<unsigned char>(byte)]; };
        if (std::all_of(bytes.begin(), bytes.end(), [&](char byte) { return byteId(byte) != kNoToken; })) {
            // A pending <unk> stays pending and comes after these bytes: so does the reference.
            for (const char byte : bytes)
                symbols.push_back(byteId(byte));
            continue;
        }
        if (m_unknown == kNoToken)
            continue; // dropped, as the reference does
        if (pendingUnknown && !m_fuseUnknown)
            symbols.push_back(m_unknown);
        pendingUnknown = true;
    }
    if (pendingUnknown)
        symbols.push_back(m_unknown);
}

void BpeModel::mergeShort(std::vector<TokenId>& symbols) const
{
    std::array<Merge, kShortWord> merges; // merges[i] joins symbols i and i+1
    std::size_t count = symbols.size();
    for (std::size_t i = 0; i + 1 < count; ++i)
        merges[i] = m_merges.find(symbols[i], symbols[i + 1]);
    while (count > 1) {
        std::size_t best = 0;
        for (std::size_t i = 1; i + 1 < count; ++i)
            if (merges[i].rank < merges[best].rank)
                best = i;
        if (merges[best].rank == Merge::kNever)
            break;
        symbols[best] = merges[best].result;
        --count;
        for (std::size_t i = best + 1; i < count; ++i) {
            symbols[i] = symbols[i + 1];
            merges[i - 1] = merges[i];
        }
        if (best > 0)
            merges[best - 1] = m_merges.find(symbols[best - 1], symbols[best]);
        if (best + 1 < count)
            merges[best] = m_merges.find(symbols[best], symbols[best + 1]);
    }
    symbols.resize(count);
}

/// O(n log n): the pairs at the start are sorted once, those that come up later go through a heap.
void BpeModel::mergeLong(Work& work) const
{
    const auto count = static_cast<std::uint32_t>(work.symbols.size());
    constexpr std::uint32_t kNone = 0xFFFFFFFFu;
    auto& nodes = work.nodes;
    nodes.resize(count);
    work.initial.clear();
    work.queue.clear();
    const auto entry = [](std::uint32_t rank, std::uint32_t position) { return std::uint64_t{rank} << 32 | position; };
    for (std::uint32_t i = 0; i < count; ++i) {
        nodes[i] = {work.symbols[i], i == 0 ? kNone : i - 1, i + 1 == count ? kNone : i + 1};
        if (i + 1 == count)
            break;
        const Merge merge = m_merges.find(work.symbols[i], work.symbols[i + 1]);
        if (merge.rank != Merge::kNever)
            work.initial.push_back(entry(merge.rank, i));
    }
    std::sort(work.initial.begin(), work.initial.end());

    const auto offer = [&](std::uint32_t left, std::uint32_t right) {
        const Merge merge = m_merges.find(nodes[left].id, nodes[right].id);
        if (merge.rank == Merge::kNever)
            return;
        work.queue.push_back(entry(merge.rank, left));
        std::push_heap(work.queue.begin(), work.queue.end(), std::greater<>());
    };
    std::size_t taken = 0;
    while (taken < work.initial.size() || !work.queue.empty()) {
        std::uint64_t top = 0;
        if (work.queue.empty() || (taken < work.initial.size() && work.initial[taken] < work.queue.front())) {
            top = work.initial[taken++];
        } else {
            top = work.queue.front();
            std::pop_heap(work.queue.begin(), work.queue.end(), std::greater<>());
            work.queue.pop_back();
        }
        const auto position = static_cast<std::uint32_t>(top);
        auto& node = nodes[position];
        if (node.id == kNoToken || node.next == kNone)
            continue;
        auto& right = nodes[node.next];
        const Merge merge = m_merges.find(node.id, right.id);
        if (merge.rank != static_cast<std::uint32_t>(top >> 32))
            continue; // one of the two has become part of something else
        node.id = merge.result;
        node.next = right.next;
        right.id = kNoToken;
        if (node.next != kNone) {
            nodes[node.next].previous = position;
            offer(position, node.next);
        }
        if (node.previous != kNone)
            offer(node.previous, position);
    }
    work.symbols.clear();
    for (std::uint32_t i = 0; i != kNone; i = nodes[i].next)
        work.symbols.push_back(nodes[i].id);
}

} // namespace sa::tokenizer
