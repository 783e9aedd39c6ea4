// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/pipeline.h"

#include <algorithm>
#include <array>

namespace sa::tokenizer
{

namespace
{

const Json kNull;

JsonField fieldOrNull(const JsonField& root, const std::string& key)
{
    const auto field = root.find(key);
    return field ? *field : JsonField(kNull, root.file(), key);
}

/// A token in tokenizer_config.json: a text, or an object with "content".
Result<std::string> configToken(const JsonField& config, const std::string& key, const std::string& fallback)
{
    const auto field = config.find(key);
    if (!field)
        return fallback;
    return field->isObject() ? field->stringAt("content") : field->asString();
}

/// Tokenizer classes of the reference that rebuild the template from two switches, and the tokens they assume. All
/// others take tokenizer.json as it is.
struct RebuildingClass {
    std::string_view name;
    const char* first;
    const char* last;
};
constexpr std::array<RebuildingClass, 6> kRebuilding{{
    {"LlamaTokenizer", "<s>", "</s>"},
    {"LlamaTokenizerFast", "<s>", "</s>"},
    {"CodeLlamaTokenizer", "<s>", "</s>"},
    {"CodeLlamaTokenizerFast", "<s>", "</s>"},
    {"GemmaTokenizer", "<bos>", "<eos>"},
    {"GemmaTokenizerFast", "<bos>", "<eos>"},
}};

} // namespace

Result<Pipeline> Pipeline::around(std::unique_ptr<const Model> model, const JsonField& parts,
                                  std::vector<AddedToken> added)
{
    Pipeline out;
    double growth = 1;
    SA_TRY(out.normalizer, Normalizer::read(fieldOrNull(parts, "normalizer"), growth));
    SA_TRY(out.preTokenizer, PreTokenizer::read(fieldOrNull(parts, "pre_tokenizer"), growth));
    out.model = std::move(model);
    auto tokens = AddedTokens::make(std::move(added), nullptr); // these formats write normalised texts
    if (!tokens)
        return std::move(tokens).error().in(parts.file());
    out.added = *std::move(tokens);
    const auto isKnown = [&](TokenId id) { return out.has(id); };
    SA_TRY(out.post, PostProcessor::read(fieldOrNull(parts, "post_processor"), isKnown));
    double decodeGrowth = 1;
    SA_TRY(out.decoder, Decoder::read(fieldOrNull(parts, "decoder"), decodeGrowth));
    if (out.maxId() < 0)
        return makeError(Errc::BadFormat, "the vocabulary is empty").in(parts.file());
    return out;
}

Result<Pipeline> Pipeline::read(const JsonField& root)
{
    if (!root.isObject())
        return root.wrong("an object");
    if (const auto version = root.find("version")) {
        SA_TRY(const std::string text, version->asString());
        if (text != "1.0")
            return makeError(Errc::Unsupported, "this version of the format is not known")
                .in(version->file())
                .at(version->path())
                .butFound("\"" + display(text, 60) + "\"")
                .wanted("\"1.0\"");
    }
    Pipeline out;
    double growth = 1;
    SA_TRY(out.normalizer, Normalizer::read(fieldOrNull(root, "normalizer"), growth));
    SA_TRY(out.preTokenizer, PreTokenizer::read(fieldOrNull(root, "pre_tokenizer"), growth));
    SA_TRY(const JsonField model, root.at("model"));
    SA_TRY(out.model, Model::read(model));
    const JsonField added = fieldOrNull(root, "added_tokens");
    SA_TRY(out.added, AddedTokens::read(added, out.model->vocabulary(), out.normalizer.get()));
    const auto isKnown = [&](TokenId id) { return out.has(id); };
    SA_TRY(out.post, PostProcessor::read(fieldOrNull(root, "post_processor"), isKnown));
    double decodeGrowth = 1;
    SA_TRY(out.decoder, Decoder::read(fieldOrNull(root, "decoder"), decodeGrowth));
    if (out.maxId() < 0)
        return model.wrong("a vocabulary that is not empty");
    return out;
}

Result<void> Pipeline::applyConfig(const JsonField& config)
{
    if (!config.isObject())
        return config.wrong("an object");
    SA_TRY(const std::string className, config.stringOr("tokenizer_class", ""));
    const auto rebuilding = std::find_if(kRebuilding.begin(), kRebuilding.end(),
                                         [&](const RebuildingClass& entry) { return entry.name == className; });
    if (rebuilding == kRebuilding.end())
        return {};
    struct Side {
        const char* flag;
        const char* token;
        const char* fallback;
        std::vector<TokenId>* ids;
    };
    for (const Side& side : {Side{"add_bos_token", "bos_token", rebuilding->first, &post.before},
                             Side{"add_eos_token", "eos_token", rebuilding->last, &post.after}}) {
        const auto flag = config.find(side.flag);
        if (!flag)
            continue;
        SA_TRY(const bool add, flag->asBool());
        side.ids->clear();
        if (!add)
            continue;
        SA_TRY(const std::string text, configToken(config, side.token, side.fallback));
        const TokenId id = idOf(text);
        if (id == kNoToken)
            return makeError(Errc::BadFormat, "the token that is to be added is not in tokenizer.json")
                .in(config.file())
                .at(side.token)
                .butFound("\"" + display(text, 60) + "\"");
        side.ids->push_back(id);
    }
    return {};
}

TokenId Pipeline::maxId() const
{
    return std::max(model->vocabulary().maxId(), added.maxId());
}

TokenId Pipeline::idOf(std::string_view token) const
{
    const TokenId id = added.idOf(token);
    return id != kNoToken ? id : model->vocabulary().idOf(token);
}

} // namespace sa::tokenizer
