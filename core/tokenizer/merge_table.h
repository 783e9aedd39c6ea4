// SPDX-License-Identifier: GPL-3.0-or-later
// The merges of a BPE model, by pair of ids; and which characters a merge can ever bring together.
#pragma once

#include "core/tokenizer/vocabulary.h"

#include <bitset>
#include <cstdint>
#include <vector>

namespace sa::tokenizer
{

struct Merge {
    std::uint32_t rank = kNever; ///< lower merges first
    TokenId result = kNoToken;
    static constexpr std::uint32_t kNever = 0xFFFFFFFFu;
};

class MergeTable
{
public:
    /// `field` is the list of merges, each "left right" or ["left", "right"], in order of rank.
    static Result<MergeTable> read(const JsonField& field, const Vocabulary& vocabulary);
    /// For formats that give every token a rank in place of a list of merges: any two tokens whose texts together are a
    /// token merge, with its rank; of equal ranks the leftmost comes first. `ranks` by id; kNever for a token that
    /// takes no part.
    static MergeTable fromRanks(const Vocabulary& vocabulary, const std::vector<std::uint32_t>& ranks);

    /// rank kNever when there is no such merge.
    Merge find(TokenId left, TokenId right) const
    {
        const std::uint64_t key = pairKey(static_cast<std::uint32_t>(left), static_cast<std::uint32_t>(right));
        const std::size_t mask = m_slots.size() - 1;
        for (std::size_t i = hashNumber(key) & mask; m_slots[i].key != kFree; i = (i + 1) & mask)
            if (m_slots[i].key == key)
                return m_slots[i].merge;
        return {};
    }

    /// False when no merge has a left token that ends in `last` and a right token that begins with `first`: between two
    /// such characters, text can be cut without changing a single id.
    bool canJoin(char32_t last, char32_t first) const
    {
        if (last < 128 && first < 128)
            return m_asciiJoins[last * 128 + first];
        const std::uint64_t key = pairKey(last, first);
        const std::size_t mask = m_joins.size() - 1;
        for (std::size_t i = hashNumber(key) & mask; m_joins[i] != kFree; i = (i + 1) & mask)
            if (m_joins[i] == key)
                return true;
        return false;
    }

private:
    struct Slot {
        std::uint64_t key = kFree;
        Merge merge;
    };
    static constexpr std::uint64_t kFree = ~std::uint64_t{0};
    static std::uint64_t pairKey(std::uint32_t a, std::uint32_t b) { return std::uint64_t{a} << 32 | b; }
    void insert(TokenId left, TokenId right, Merge merge);
    void insertJoin(std::string_view left, std::string_view right);

    std::vector<Slot> m_slots; ///< open addressing, a power of two, at most half full
    std::vector<std::uint64_t> m_joins;
    std::size_t m_joinCount = 0;
    std::bitset<128 * 128> m_asciiJoins;
};

} // namespace sa::tokenizer
