// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/special_tokens.h"

#include "core/base/file.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace sa::tokenizer
{

namespace
{

constexpr std::array<const char*, 7> kRoles{"bos_token", "eos_token", "unk_token", "sep_token",
                                            "pad_token", "cls_token", "mask_token"};

Result<std::optional<bool>> optionalBool(const JsonField& config, const char* key)
{
    const auto field = config.find(key);
    if (!field)
        return std::optional<bool>();
    SA_TRY(const bool value, field->asBool());
    return std::optional<bool>(value);
}

/// A text, or an object like an entry of the list of added tokens.
Result<AddedToken> readSpecial(const JsonField& field)
{
    AddedToken out;
    if (field.isString()) {
        SA_TRY(out.content, field.asString());
    } else {
        SA_TRY(out, AddedTokens::readToken(field, kNoToken));
    }
    out.special = true;
    out.normalized = false;
    return out;
}

Result<void> readRoles(const JsonField& root, std::vector<TokenizerSettings::Role>& roles)
{
    const auto put = [&](const std::string& name, AddedToken token) {
        std::erase_if(roles, [&](const auto& role) { return role.name == name; });
        roles.push_back({name, std::move(token)});
    };
    for (const char* const key : kRoles) {
        if (const auto field = root.find(key)) {
            SA_TRY(AddedToken token, readSpecial(*field));
            put(key, std::move(token));
        }
    }
    if (const auto list = root.find("additional_special_tokens")) {
        SA_TRY(const auto elements, list->elements(1 << 16));
        for (std::size_t i = 0; i < elements.size(); ++i) {
            SA_TRY(AddedToken token, readSpecial(elements[i]));
            put("additional_special_tokens[" + std::to_string(i) + "]", std::move(token));
        }
    }
    return {};
}

Result<TokenId> readId(const JsonField& field, const std::string& text)
{
    TokenId id = kNoToken;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (code != std::errc() || end != text.data() + text.size() || id < 0 || id > kMaxTokenId)
        return makeError(Errc::BadFormat, "the name of this field is not an id")
            .in(field.file())
            .at(field.path())
            .wanted("a number from 0 to " + std::to_string(kMaxTokenId));
    return id;
}

/// {"content": id}, the oldest form.
Result<void> readAddedTokensJson(const std::string& file, TokenizerSettings& settings)
{
    SA_TRY(const Json root, json::parseFile(file));
    SA_TRY(const auto members, JsonField(root, file).members());
    for (const auto& [content, field] : members) {
        SA_TRY(const std::int64_t id, field.asInt(0, kMaxTokenId));
        AddedToken token;
        token.id = static_cast<TokenId>(id);
        token.content = content;
        token.normalized = false;
        token.special = std::any_of(settings.roles.begin(), settings.roles.end(),
                                    [&](const auto& role) { return role.token.content == token.content; });
        settings.added.push_back(std::move(token));
    }
    return {};
}

} // namespace

Result<TokenizerSettings> TokenizerSettings::read(const std::string& folder)
{
    TokenizerSettings out;
    out.file = joinPath(folder, "tokenizer_config.json");
    if (exists(out.file)) {
        SA_TRY(const Json root, json::parseFile(out.file));
        const JsonField config(root, out.file);
        if (!config.isObject())
            return config.wrong("an object");
        SA_TRY(out.className, config.stringOr("tokenizer_class", ""));
        if (out.className.ends_with("Fast"))
            out.className.resize(out.className.size() - 4);
        SA_TRY(out.addBos, optionalBool(config, "add_bos_token"));
        SA_TRY(out.addEos, optionalBool(config, "add_eos_token"));
        SA_TRY(out.legacy, optionalBool(config, "legacy"));
        SA_TRY(out.addPrefixSpace, optionalBool(config, "add_prefix_space"));
        SA_CHECK(readRoles(config, out.roles));
        if (const auto list = config.find("added_tokens_decoder")) {
            out.listsAddedTokens = true;
            SA_TRY(const auto members, list->members());
            for (const auto& [key, field] : members) {
                SA_TRY(const TokenId id, readId(field, key));
                SA_TRY(AddedToken token, AddedTokens::readToken(field, id));
                token.normalized = false; // these tokenizers look for all of them in the raw text
                out.added.push_back(std::move(token));
            }
        }
    }
    // The reference does not look at the two older files where the list above is.
    if (!out.listsAddedTokens) {
        const std::string map = joinPath(folder, "special_tokens_map.json");
        if (exists(map)) {
            SA_TRY(const Json root, json::parseFile(map));
            SA_CHECK(readRoles(JsonField(root, map), out.roles));
        }
        const std::string older = joinPath(folder, "added_tokens.json");
        if (exists(older))
            SA_CHECK(readAddedTokensJson(older, out));
    }
    std::sort(out.added.begin(), out.added.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    return out;
}

const AddedToken* TokenizerSettings::role(std::string_view name) const
{
    const auto it = std::find_if(roles.begin(), roles.end(), [&](const Role& r) { return r.name == name; });
    return it == roles.end() ? nullptr : &it->token;
}

void TokenizerSettings::defaultRole(const std::string& name, const std::string& content)
{
    if (role(name))
        return;
    AddedToken token;
    token.content = content;
    token.special = true;
    token.normalized = false;
    roles.push_back({name, std::move(token)});
}

Result<std::vector<AddedToken>> TokenizerSettings::resolve(const Vocabulary& vocabulary) const
{
    std::vector<AddedToken> out = added;
    TokenId next = static_cast<TokenId>(vocabulary.count());
    for (const AddedToken& token : out) {
        const TokenId known = vocabulary.idOf(token.content);
        if (vocabulary.has(token.id) && known != token.id)
            return makeError(Errc::BadFormat, "an added token has the id of another token")
                .in(file)
                .at("added_tokens_decoder." + std::to_string(token.id))
                .butFound("\"" + display(token.content, 60) + "\"")
                .wanted("\"" + display(std::string(vocabulary.text(token.id)), 60) + "\", as in the vocabulary");
        next = std::max(next, token.id + 1);
    }
    for (const Role& role : roles) {
        if (role.token.content.empty())
            continue;
        const auto listed = std::find_if(out.begin(), out.end(),
                                         [&](const AddedToken& token) { return token.content == role.token.content; });
        if (listed != out.end()) {
            listed->special = true;
            continue;
        }
        AddedToken token = role.token;
        token.id = vocabulary.idOf(token.content);
        if (token.id == kNoToken)
            token.id = next++;
        out.push_back(std::move(token));
    }
    return out;
}

} // namespace sa::tokenizer
