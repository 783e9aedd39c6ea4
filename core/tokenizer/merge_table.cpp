// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/merge_table.h"

#include "core/tokenizer/unicode.h"

#include <algorithm>
#include <bit>
#include <optional>

namespace sa::tokenizer
{

namespace
{

// A token is tried at every place where it can be cut: longer ones (real ones have at most some 256 bytes) are never
// made from parts.
constexpr std::size_t kMaxRankedBytes = 4096;
constexpr std::size_t kMaxMerges = 4'000'000; // eight times the largest seen; the table takes 64 bytes for each

struct MergePair {
    std::string_view left;
    std::string_view right;
};

std::optional<MergePair> pairOf(const Json& value)
{
    if (value.is_array() && value.size() == 2 && value[0].is_string() && value[1].is_string())
        return MergePair{value[0].get_ref<const std::string&>(), value[1].get_ref<const std::string&>()};
    if (!value.is_string())
        return std::nullopt;
    const std::string_view text = value.get_ref<const std::string&>();
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos)
        return std::nullopt;
    return MergePair{text.substr(0, space), text.substr(space + 1)};
}

} // namespace

void MergeTable::insert(TokenId left, TokenId right, Merge merge)
{
    const std::uint64_t key = pairKey(static_cast<std::uint32_t>(left), static_cast<std::uint32_t>(right));
    const std::size_t mask = m_slots.size() - 1;
    std::size_t i = hashNumber(key) & mask;
    while (m_slots[i].key != kFree && m_slots[i].key != key)
        i = (i + 1) & mask;
    m_slots[i] = {key, merge}; // the last of equal pairs counts, as in the reference
}

void MergeTable::insertJoin(std::string_view left, std::string_view right)
{
    std::size_t at = lastCharacterStart(left);
    const char32_t last = nextCodePoint(left, at);
    at = 0;
    const char32_t first = nextCodePoint(right, at);
    if (last < 128 && first < 128) {
        m_asciiJoins.set(last * 128 + first);
        return;
    }
    if (canJoin(last, first))
        return;
    if (m_joins.size() < 2 * (m_joinCount + 1)) {
        std::vector<std::uint64_t> old(m_joins.size() * 2, kFree);
        old.swap(m_joins);
        const std::size_t mask = m_joins.size() - 1;
        for (const std::uint64_t key : old) {
            if (key == kFree)
                continue;
            std::size_t i = hashNumber(key) & mask;
            while (m_joins[i] != kFree)
                i = (i + 1) & mask;
            m_joins[i] = key;
        }
    }
    const std::uint64_t key = pairKey(last, first);
    const std::size_t mask = m_joins.size() - 1;
    std::size_t i = hashNumber(key) & mask;
    while (m_joins[i] != kFree)
        i = (i + 1) & mask;
    m_joins[i] = key;
    ++m_joinCount;
}

MergeTable MergeTable::fromRanks(const Vocabulary& vocabulary, const std::vector<std::uint32_t>& ranks)
{
    const auto usable = [&](TokenId id) {
        return id != kNoToken && ranks[static_cast<std::size_t>(id)] != Merge::kNever;
    };
    struct Found {
        TokenId left, right;
        Merge merge;
    };
    std::vector<Found> found;
    for (TokenId id = 0; id <= vocabulary.maxId(); ++id) {
        const std::string_view text = vocabulary.text(id);
        if (!usable(id) || vocabulary.idOf(text) != id || text.size() > kMaxRankedBytes)
            continue;
        for (std::size_t cut = 0; cut < text.size();) {
            nextCodePoint(text, cut);
            if (cut >= text.size())
                break;
            const TokenId left = vocabulary.idOf(text.substr(0, cut));
            const TokenId right = usable(left) ? vocabulary.idOf(text.substr(cut)) : kNoToken;
            if (usable(right))
                found.push_back({left, right, {ranks[static_cast<std::size_t>(id)], id}});
        }
    }
    MergeTable out;
    out.m_slots.resize(std::bit_ceil(found.size() * 2 + 2));
    out.m_joins.assign(1024, kFree);
    for (const Found& pair : found) {
        out.insert(pair.left, pair.right, pair.merge);
        out.insertJoin(vocabulary.text(pair.left), vocabulary.text(pair.right));
    }
    return out;
}

Result<MergeTable> MergeTable::read(const JsonField& field, const Vocabulary& vocabulary)
{
    if (!field.isArray())
        return field.wrong("a list of merges");
    const auto& list = field.raw().get_ref<const Json::array_t&>();
    if (list.size() > kMaxMerges)
        return field.wrong("a list of at most " + std::to_string(kMaxMerges) + " merges");

    MergeTable out;
    out.m_slots.resize(std::bit_ceil(list.size() * 2 + 2));
    out.m_joins.assign(1024, kFree);
    std::uint32_t rank = 0;
    std::string joined;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const auto place = [&] {
            return JsonField(list[i], field.file(), field.path() + "[" + std::to_string(i) + "]");
        };
        // merges.txt begins with such a line, and some converters carried it over.
        if (list[i].is_string() && list[i].get_ref<const std::string&>().starts_with("#version"))
            continue;
        const auto pair = pairOf(list[i]);
        if (!pair || pair->left.empty() || pair->right.empty())
            return place().wrong("two tokens, as \"left right\" or [\"left\", \"right\"]");
        const auto unknown = [&](const std::string& what, std::string_view token) {
            return makeError(Errc::BadFormat, what)
                .in(field.file())
                .at(place().path())
                .butFound("\"" + display(std::string(token), 60) + "\"")
                .wanted("a token of model.vocab");
        };
        const TokenId left = vocabulary.idOf(pair->left);
        const TokenId right = vocabulary.idOf(pair->right);
        if (left == kNoToken || right == kNoToken)
            return unknown("a merge names a token that is not in the vocabulary",
                           left == kNoToken ? pair->left : pair->right);
        joined.assign(pair->left).append(pair->right);
        const TokenId result = vocabulary.idOf(joined);
        if (result == kNoToken)
            return unknown("the result of a merge is not in the vocabulary", joined);
        out.insert(left, right, {rank++, result});
        out.insertJoin(pair->left, pair->right);
    }
    return out;
}

} // namespace sa::tokenizer
