// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/word_cache.h"

#include <algorithm>

namespace sa::tokenizer
{

bool WordCache::find(std::string_view word, std::uint64_t hash, std::vector<TokenId>& out) const
{
    if (m_slots.empty())
        return false;
    const std::size_t mask = m_slots.size() - 1;
    for (std::size_t i = hash & mask; m_slots[i].keySize != Slot::kFree; i = (i + 1) & mask) {
        const Slot& slot = m_slots[i];
        if (slot.hash != hash || std::string_view(m_keys).substr(slot.keyBegin, slot.keySize) != word)
            continue;
        const auto begin = m_ids.begin() + slot.idsBegin;
        out.insert(out.end(), begin, begin + slot.idsCount);
        return true;
    }
    return false;
}

void WordCache::insert(std::string_view word, std::uint64_t hash, std::span<const TokenId> ids)
{
    if (m_count == kMaxWords)
        return;
    if (m_slots.size() < 2 * (m_count + 1))
        grow();
    const std::size_t mask = m_slots.size() - 1;
    std::size_t i = hash & mask;
    while (m_slots[i].keySize != Slot::kFree)
        i = (i + 1) & mask;
    // A word has at most kMaxWordBytes bytes and as many ids, so all offsets stay below 2^32.
    m_slots[i] = {hash, static_cast<std::uint32_t>(m_keys.size()), static_cast<std::uint32_t>(word.size()),
                  static_cast<std::uint32_t>(m_ids.size()), static_cast<std::uint32_t>(ids.size())};
    m_keys += word;
    m_ids.insert(m_ids.end(), ids.begin(), ids.end());
    ++m_count;
}

void WordCache::grow()
{
    std::vector<Slot> old(std::max<std::size_t>(64, m_slots.size() * 4));
    old.swap(m_slots);
    const std::size_t mask = m_slots.size() - 1;
    for (const Slot& slot : old) {
        if (slot.keySize == Slot::kFree)
            continue;
        std::size_t i = slot.hash & mask;
        while (m_slots[i].keySize != Slot::kFree)
            i = (i + 1) & mask;
        m_slots[i] = slot;
    }
}

} // namespace sa::tokenizer
