// SPDX-License-Identifier: GPL-3.0-or-later
// Tokens by id and ids by token, in two flat tables.
#pragma once

#include "core/base/json.h"
#include "core/tokenizer/token_id.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sa::tokenizer
{

inline constexpr TokenId kMaxTokenId = 1 << 24;
inline constexpr TokenId kNoToken = -1;

/// Drawn once per process, so that no file can be made to collide everywhere. No result depends on it.
extern const std::uint64_t kHashSeed;

inline std::uint64_t hashNumber(std::uint64_t value)
{
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(value ^ kHashSeed) * 0x9E3779B97F4A7C15u;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}
std::uint64_t hashBytes(std::string_view bytes);

class Vocabulary
{
public:
    /// `field` is the object {"token": id}. Ids are distinct and at most kMaxTokenId; they need not be dense.
    static Result<Vocabulary> read(const JsonField& field);
    /// `tokens` by id, less than 4 GiB together. A text may occur twice: its last id is then the one that idOf() gives.
    static Vocabulary fromList(const std::vector<std::string>& tokens);

    TokenId idOf(std::string_view token) const; ///< kNoToken when absent
    bool has(TokenId id) const;
    std::string_view text(TokenId id) const; ///< empty when absent
    std::size_t count() const { return m_count; }
    TokenId maxId() const { return static_cast<TokenId>(m_tokens.size()) - 1; }
    std::size_t longestBytes() const { return m_longestBytes; }

private:
    struct Token {
        std::uint32_t offset = 0;
        std::uint32_t size = kAbsent;
        static constexpr std::uint32_t kAbsent = 0xFFFFFFFFu;
    };
    void insert(std::string_view token, TokenId id);

    std::string m_bytes;          ///< all tokens, one after the other
    std::vector<Token> m_tokens;  ///< by id
    std::vector<TokenId> m_slots; ///< open addressing, a power of two, at most half full
    std::size_t m_count = 0;
    std::size_t m_longestBytes = 0;
};

/// Ids of "<0x00>" to "<0xFF>", by which byte fallback writes what is no token; kNoToken where absent.
std::array<TokenId, 256> byteTokens(const Vocabulary& vocabulary);

} // namespace sa::tokenizer
