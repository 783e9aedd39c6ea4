// SPDX-License-Identifier: GPL-3.0-or-later
// Remembers the ids of words within one encode(): in prose nine words of ten have been seen before.
#pragma once

#include "core/tokenizer/vocabulary.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sa::tokenizer
{

class WordCache
{
public:
    static constexpr std::size_t kMaxWordBytes = 64;

    /// Appends the ids of `word` to `out`; false when it is not here.
    bool find(std::string_view word, std::uint64_t hash, std::vector<TokenId>& out) const;
    /// Forgets nothing, but takes no more words once it is full.
    void insert(std::string_view word, std::uint64_t hash, std::span<const TokenId> ids);

private:
    static constexpr std::size_t kMaxWords = 1 << 18;
    struct Slot {
        std::uint64_t hash = 0;
        std::uint32_t keyBegin = 0;
        std::uint32_t keySize = kFree;
        std::uint32_t idsBegin = 0;
        std::uint32_t idsCount = 0;
        static constexpr std::uint32_t kFree = 0xFFFFFFFFu;
    };
    void grow();

    std::vector<Slot> m_slots; ///< open addressing, a power of two, at most half full
    std::string m_keys;
    std::vector<TokenId> m_ids;
    std::size_t m_count = 0;
};

} // namespace sa::tokenizer
