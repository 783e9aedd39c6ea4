// SPDX-License-Identifier: GPL-3.0-or-later
// What tokenizer_config.json, special_tokens_map.json and added_tokens.json say about a tokenizer that has no
// tokenizer.json, read as the reference reads them.
#pragma once

#include "core/tokenizer/added_tokens.h"

#include <optional>
#include <string>
#include <vector>

namespace sa::tokenizer
{

struct TokenizerSettings {
    std::string file;      ///< for errors: tokenizer_config.json, whether it exists or not
    std::string className; ///< "LlamaTokenizer" (a "Fast" at the end is cut off), or empty
    std::optional<bool> addBos;
    std::optional<bool> addEos;
    std::optional<bool> legacy;
    std::optional<bool> addPrefixSpace;
    bool listsAddedTokens = false; ///< "added_tokens_decoder" is there

    /// Special tokens by role ("bos_token"), ids not yet known. Absent roles are not in the list.
    struct Role {
        std::string name;
        AddedToken token;
    };
    std::vector<Role> roles;
    std::vector<AddedToken> added; ///< with ids, by id

    static Result<TokenizerSettings> read(const std::string& folder);

    const AddedToken* role(std::string_view name) const;
    /// Sets a role that no file sets.
    void defaultRole(const std::string& name, const std::string& content);
    /// All added tokens, those of the roles included: a token that is neither listed nor in the vocabulary gets the
    /// next id, as in the reference.
    Result<std::vector<AddedToken>> resolve(const Vocabulary& vocabulary) const;
};

} // namespace sa::tokenizer
