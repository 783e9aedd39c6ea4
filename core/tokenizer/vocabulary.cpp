// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/vocabulary.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>
#include <random>

namespace sa::tokenizer
{

const std::uint64_t kHashSeed = std::uint64_t{std::random_device{}()} << 32 | std::random_device{}();

std::uint64_t hashBytes(std::string_view bytes)
{
    std::uint64_t state = bytes.size();
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + at, 8);
        state = hashNumber(state ^ word);
    }
    std::uint64_t tail = 0;
    std::memcpy(&tail, bytes.data() + at, bytes.size() - at);
    return hashNumber(state ^ std::rotl(tail, 8));
}

Result<Vocabulary> Vocabulary::read(const JsonField& field)
{
    if (!field.isObject())
        return field.wrong("an object of tokens and their ids");
    const auto& object = field.raw().get_ref<const Json::object_t&>();
    const auto place = [&](const std::string& token) { return field.path() + "." + display(token, 60); };

    Vocabulary out;
    std::int64_t maxId = -1;
    std::size_t bytes = 0;
    for (const auto& [token, value] : object) {
        const JsonField entry(value, field.file(), place(token));
        SA_TRY(const std::int64_t id, entry.asInt(0, kMaxTokenId));
        maxId = std::max(maxId, id);
        bytes += token.size();
    }
    if (bytes >= Token::kAbsent)
        return field.wrong("tokens of less than 4 GiB together");
    out.m_bytes.reserve(bytes);
    out.m_tokens.resize(static_cast<std::size_t>(maxId + 1));
    out.m_slots.assign(std::bit_ceil(object.size() * 2 + 2), kNoToken);
    for (const auto& [token, value] : object) {
        const auto id = value.get<TokenId>();
        if (out.has(id))
            return makeError(Errc::BadFormat, "two tokens have the same id")
                .in(field.file())
                .at(place(token))
                .butFound(std::to_string(id) + ", the id of \"" + display(std::string(out.text(id)), 60) + "\" too")
                .wanted("an id of its own");
        out.insert(token, id);
    }
    out.m_count = object.size();
    return out;
}

Vocabulary Vocabulary::fromList(const std::vector<std::string>& tokens)
{
    Vocabulary out;
    out.m_tokens.resize(tokens.size());
    out.m_slots.assign(std::bit_ceil(tokens.size() * 2 + 2), kNoToken);
    for (std::size_t id = 0; id < tokens.size(); ++id)
        out.insert(tokens[id], static_cast<TokenId>(id));
    out.m_count = tokens.size();
    return out;
}

void Vocabulary::insert(std::string_view token, TokenId id)
{
    m_tokens[static_cast<std::size_t>(id)] = {static_cast<std::uint32_t>(m_bytes.size()),
                                              static_cast<std::uint32_t>(token.size())};
    m_bytes += token;
    m_longestBytes = std::max(m_longestBytes, token.size());
    const std::size_t mask = m_slots.size() - 1;
    std::size_t slot = hashBytes(token) & mask;
    while (m_slots[slot] != kNoToken && text(m_slots[slot]) != token)
        slot = (slot + 1) & mask;
    m_slots[slot] = id;
}

TokenId Vocabulary::idOf(std::string_view token) const
{
    if (m_slots.empty() || token.size() > m_longestBytes)
        return kNoToken;
    const std::size_t mask = m_slots.size() - 1;
    for (std::size_t slot = hashBytes(token) & mask; m_slots[slot] != kNoToken; slot = (slot + 1) & mask)
        if (text(m_slots[slot]) == token)
            return m_slots[slot];
    return kNoToken;
}

bool Vocabulary::has(TokenId id) const
{
    return id >= 0 && static_cast<std::size_t>(id) < m_tokens.size() &&
           m_tokens[static_cast<std::size_t>(id)].size != Token::kAbsent;
}

std::string_view Vocabulary::text(TokenId id) const
{
    if (!has(id))
        return {};
    const Token& token = m_tokens[static_cast<std::size_t>(id)];
    return std::string_view(m_bytes).substr(token.offset, token.size);
}

std::array<TokenId, 256> byteTokens(const Vocabulary& vocabulary)
{
    std::array<TokenId, 256> out{};
    for (unsigned byte = 0; byte < 256; ++byte) {
        char token[8];
        std::snprintf(token, sizeof token, "<0x%02X>", byte);
        out[byte] = vocabulary.idOf(token);
    }
    return out;
}

} // namespace sa::tokenizer
