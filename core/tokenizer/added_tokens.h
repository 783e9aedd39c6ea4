// SPDX-License-Identifier: GPL-3.0-or-later
// The "added_tokens" of tokenizer.json: texts that are one token wherever they stand, before anything else is split.
#pragma once

#include "core/tokenizer/normalizers.h"
#include "core/tokenizer/vocabulary.h"

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace sa::tokenizer
{

struct AddedToken {
    TokenId id = kNoToken;
    std::string content;
    bool singleWord = false; ///< only between characters that are not of words
    bool leftStrip = false;  ///< takes the white space before it
    bool rightStrip = false; ///< takes the white space after it
    bool normalized = true;  ///< looked for after the normalizer has run
    bool special = false;
    bool alsoRaw = false; ///< with `normalized`: looked for before the normalizer as well
    bool inText = true;   ///< false: stands for an id, and is not looked for
};

class AddedTokens
{
public:
    /// `field` is the list, or null. Ids must be what the reference gives: those of the vocabulary, or the next free
    /// ones.
    static Result<AddedTokens> read(const JsonField& field, const Vocabulary& vocabulary, const Normalizer* normalizer);
    /// For formats without such a list. Ids and texts must be distinct; errors name neither file nor place.
    static Result<AddedTokens> make(std::vector<AddedToken> tokens, const Normalizer* normalizer);
    /// One entry of the list, or of "added_tokens_decoder" (where the id is the key: pass it).
    static Result<AddedToken> readToken(const JsonField& field, std::optional<TokenId> id = std::nullopt);

    /// A stretch of text between added tokens (id kNoToken), or an added token.
    struct Section {
        std::size_t begin = 0;
        std::size_t end = 0;
        TokenId id = kNoToken;
    };
    /// Cuts `text` at the tokens that are looked for before (after) normalisation. Empty text gives no section.
    void split(std::string_view text, bool normalized, std::vector<Section>& out) const;
    bool any(bool normalized) const { return !(normalized ? m_inNormalized : m_inRaw).patterns.empty(); }

    const AddedToken* find(TokenId id) const;
    TokenId idOf(std::string_view content) const;
    bool isSpecial(std::string_view content) const { return m_specials.contains(std::string(content)); }
    TokenId maxId() const { return m_maxId; }

private:
    Result<void> insert(AddedToken token);
    Result<void> buildMatchers(const Normalizer* normalizer);

    /// A trie over the bytes of the patterns; the longest pattern that begins at a place wins.
    struct Matcher {
        struct Node {
            std::vector<std::pair<unsigned char, std::uint32_t>> children;
            std::int32_t pattern = -1;
        };
        std::vector<Node> nodes{1};
        std::vector<std::size_t> patterns; ///< index into m_tokens
        std::array<bool, 256> firstBytes{};
        void add(std::string_view text, std::size_t token);
        /// The longest match that begins exactly at `at`: its token, and `end`; -1 when there is none.
        std::ptrdiff_t longestAt(std::string_view text, std::size_t at, std::size_t& end) const;
    };

    std::vector<AddedToken> m_tokens;
    std::unordered_map<TokenId, std::size_t> m_byId;
    std::unordered_map<std::string, TokenId> m_byContent;
    std::unordered_set<std::string> m_specials;
    Matcher m_inRaw;
    Matcher m_inNormalized;
    TokenId m_maxId = kNoToken;
};

} // namespace sa::tokenizer
