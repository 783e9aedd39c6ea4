// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/added_tokens.h"

#include "core/tokenizer/component.h"
#include "core/tokenizer/unicode.h"

#include <algorithm>

namespace sa::tokenizer
{

namespace
{

constexpr std::size_t kMaxAddedTokens = 1 << 20;
// Bounds the work at one place of the text; real ones have a few dozen bytes.
constexpr std::size_t kMaxContentBytes = 1024;
// A node of the trie takes up to 64 bytes, and every byte may need one.
constexpr std::size_t kMaxPatternBytes = 4 << 20;

std::size_t whitespaceBegin(std::string_view text, std::size_t floor, std::size_t end)
{
    while (end > floor) {
        const std::size_t begin = lastCharacterStart(text.substr(0, end));
        std::size_t at = begin;
        if (!isWhitespace(nextCodePoint(text, at)))
            break;
        end = begin;
    }
    return end;
}

std::size_t whitespaceEnd(std::string_view text, std::size_t begin)
{
    while (begin < text.size()) {
        std::size_t at = begin;
        if (!isWhitespace(nextCodePoint(text, at)))
            break;
        begin = at;
    }
    return begin;
}

bool isInsideWord(std::string_view text, std::size_t begin, std::size_t end)
{
    if (begin > 0) {
        std::size_t at = lastCharacterStart(text.substr(0, begin));
        if (isWordCharacter(nextCodePoint(text, at)))
            return true;
    }
    return end < text.size() && isWordCharacter(nextCodePoint(text, end));
}

} // namespace

void AddedTokens::Matcher::add(std::string_view text, std::size_t token)
{
    if (text.empty())
        return; // a normalizer may leave nothing of a token; it is then never found
    std::uint32_t node = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        auto& children = nodes[node].children;
        const auto place = std::lower_bound(children.begin(), children.end(), byte,
                                            [](const auto& child, unsigned char b) { return child.first < b; });
        if (place != children.end() && place->first == byte) {
            node = place->second;
            continue;
        }
        const auto fresh = static_cast<std::uint32_t>(nodes.size());
        children.insert(place, {byte, fresh});
        nodes.emplace_back();
        node = fresh;
    }
    if (nodes[node].pattern >= 0)
        return; // the first of equal patterns counts
    nodes[node].pattern = static_cast<std::int32_t>(patterns.size());
    patterns.push_back(token);
    firstBytes[static_cast<unsigned char>(text.front())] = true;
}

std::ptrdiff_t AddedTokens::Matcher::longestAt(std::string_view text, std::size_t at, std::size_t& end) const
{
    std::ptrdiff_t found = -1;
    std::uint32_t node = 0;
    while (at < text.size()) {
        const auto byte = static_cast<unsigned char>(text[at++]);
        const auto& children = nodes[node].children;
        const auto place = std::lower_bound(children.begin(), children.end(), byte,
                                            [](const auto& child, unsigned char b) { return child.first < b; });
        if (place == children.end() || place->first != byte)
            break;
        node = place->second;
        if (nodes[node].pattern >= 0) {
            found = static_cast<std::ptrdiff_t>(patterns[static_cast<std::size_t>(nodes[node].pattern)]);
            end = at;
        }
    }
    return found;
}

Result<AddedToken> AddedTokens::readToken(const JsonField& field, std::optional<TokenId> id)
{
    AddedToken out;
    if (id) { // how the reference writes a token into its other files
        SA_CHECK(onlyFields(field, {"__type", "content", "single_word", "lstrip", "rstrip", "normalized", "special"}));
        out.id = *id;
    } else {
        SA_CHECK(onlyFields(field, {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"}));
        SA_TRY(const std::int64_t value, field.intAt("id", 0, kMaxTokenId));
        out.id = static_cast<TokenId>(value);
    }
    SA_TRY(out.content, field.stringAt("content"));
    if (out.content.size() > kMaxContentBytes)
        return field.at("content")->wrong("at most " + std::to_string(kMaxContentBytes) + " bytes");
    SA_TRY(out.singleWord, field.boolOr("single_word", false));
    SA_TRY(out.leftStrip, field.boolOr("lstrip", false));
    SA_TRY(out.rightStrip, field.boolOr("rstrip", false));
    SA_TRY(out.special, field.boolOr("special", false));
    SA_TRY(out.normalized, field.boolOr("normalized", !out.special));
    return out;
}

Result<AddedTokens> AddedTokens::read(const JsonField& field, const Vocabulary& vocabulary,
                                      const Normalizer* normalizer)
{
    AddedTokens out;
    if (field.isNull())
        return out;
    SA_TRY(const auto elements, field.elements(kMaxAddedTokens));
    for (const JsonField& element : elements) {
        SA_TRY(AddedToken token, readToken(element));
        if (token.content.empty())
            continue; // the reference ignores them too
        // The reference ignores the id and counts on by itself; a file where the two differ means two things at once.
        TokenId expected = vocabulary.idOf(token.content);
        if (expected == kNoToken)
            expected = std::max(static_cast<TokenId>(vocabulary.count()), out.m_maxId + 1);
        if (token.id != expected && !out.m_byContent.contains(token.content))
            return makeError(Errc::BadFormat, "the id of an added token does not fit the vocabulary")
                .in(element.file())
                .at(element.path() + ".id")
                .butFound(std::to_string(token.id))
                .wanted(std::to_string(expected) + " for \"" + display(token.content, 60) + "\"");
        auto inserted = out.insert(std::move(token));
        if (!inserted) {
            inserted.error().where = element.path() + "." + inserted.error().where;
            return std::move(inserted).error().in(element.file());
        }
    }
    auto built = out.buildMatchers(normalizer);
    if (!built)
        return std::move(built).error().in(field.file()).at(field.path());
    return out;
}

Result<AddedTokens> AddedTokens::make(std::vector<AddedToken> tokens, const Normalizer* normalizer)
{
    AddedTokens out;
    for (AddedToken& token : tokens)
        if (!token.content.empty())
            SA_CHECK(out.insert(std::move(token)));
    SA_CHECK(out.buildMatchers(normalizer));
    return out;
}

/// Errors say "content" or "id" for the place.
Result<void> AddedTokens::insert(AddedToken token)
{
    if (m_byContent.contains(token.content))
        return makeError(Errc::BadFormat, "this added token occurs twice")
            .at("content")
            .butFound("\"" + display(token.content, 60) + "\"");
    if (m_byId.contains(token.id))
        return makeError(Errc::BadFormat, "two added tokens have the same id")
            .at("id")
            .butFound(std::to_string(token.id) + ", of \"" + display(token.content, 60) + "\" too");
    m_maxId = std::max(m_maxId, token.id);
    m_byId.emplace(token.id, m_tokens.size());
    m_byContent.emplace(token.content, token.id);
    if (token.special)
        m_specials.insert(token.content);
    m_tokens.push_back(std::move(token));
    return {};
}

Result<void> AddedTokens::buildMatchers(const Normalizer* normalizer)
{
    // Special tokens come first: where two patterns become equal by normalisation, the first one counts.
    std::vector<std::size_t> order(m_tokens.size());
    for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = i;
    std::stable_partition(order.begin(), order.end(), [&](std::size_t i) { return m_tokens[i].special; });
    std::size_t patternBytes = 0;
    for (const std::size_t i : order) {
        const AddedToken& token = m_tokens[i];
        if (!token.inText)
            continue;
        std::string pattern = token.content;
        if (token.normalized && normalizer) {
            RegexScratch scratch(pattern.size());
            normalizer->apply(pattern, scratch);
        }
        patternBytes += pattern.size();
        if (patternBytes > kMaxPatternBytes)
            return makeError(Errc::Unsupported, "the added tokens are too long together")
                .wanted("at most " + std::to_string(kMaxPatternBytes) + " bytes");
        (token.normalized ? m_inNormalized : m_inRaw).add(pattern, i);
        if (token.normalized && token.alsoRaw)
            m_inRaw.add(token.content, i);
    }
    return {};
}

void AddedTokens::split(std::string_view text, bool normalized, std::vector<Section>& out) const
{
    const Matcher& matcher = normalized ? m_inNormalized : m_inRaw;
    out.clear();
    std::size_t covered = 0;
    std::size_t spaceEnd = 0; // of the white space that a token took last: a run of it is walked only once
    for (std::size_t at = 0; at < text.size();) {
        std::size_t matchEnd = 0;
        const bool candidate = matcher.firstBytes[static_cast<unsigned char>(text[at])];
        const std::ptrdiff_t found = candidate ? matcher.longestAt(text, at, matchEnd) : -1;
        if (found < 0) {
            ++at;
            continue;
        }
        const AddedToken& token = m_tokens[static_cast<std::size_t>(found)];
        std::size_t begin = at;
        std::size_t end = matchEnd;
        at = matchEnd; // not behind the space that the token takes: a match that begins in there counts as well
        if (token.singleWord && isInsideWord(text, begin, end))
            continue;
        if (token.leftStrip)
            begin = begin > covered ? whitespaceBegin(text, covered, begin) : covered;
        if (token.rightStrip)
            end = spaceEnd = end < spaceEnd ? spaceEnd : whitespaceEnd(text, end);
        if (begin >= end)
            continue; // the token before has taken all of it
        if (covered < begin)
            out.push_back({covered, begin, kNoToken});
        out.push_back({begin, end, token.id});
        covered = end;
    }
    if (covered < text.size())
        out.push_back({covered, text.size(), kNoToken});
}

const AddedToken* AddedTokens::find(TokenId id) const
{
    const auto it = m_byId.find(id);
    return it == m_byId.end() ? nullptr : &m_tokens[it->second];
}

TokenId AddedTokens::idOf(std::string_view content) const
{
    const auto it = m_byContent.find(std::string(content));
    return it == m_byContent.end() ? kNoToken : it->second;
}

} // namespace sa::tokenizer
