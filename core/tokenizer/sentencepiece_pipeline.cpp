// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/sentencepiece_pipeline.h"

#include "core/tokenizer/bpe.h"
#include "core/tokenizer/sentencepiece_file.h"
#include "core/tokenizer/special_tokens.h"
#include "core/tokenizer/unicode.h"

#include <algorithm>
#include <functional>

namespace sa::tokenizer
{

namespace
{

using Kind = SentencePieceFile::Kind;

constexpr const char* kSpaceMark = "▁";
// Others move all ids or cut texts in ways of their own (T5, XLM-R, XGLM, mBART).
constexpr std::string_view kClasses[] = {"", "LlamaTokenizer", "CodeLlamaTokenizer", "GemmaTokenizer",
                                         "PreTrainedTokenizer"};

/// What keeps our merging from giving the reference's ids; empty for the models of the families this program runs.
std::string obstacle(const SentencePieceFile& file, const Vocabulary& vocabulary)
{
    if (!file.isBpe)
        return "a model that is not BPE";
    if (!file.onlyEscapesSpaces)
        return "rules of normalisation";
    for (const auto& piece : file.pieces) {
        if (piece.kind == Kind::Unused)
            return "unused pieces";
        const bool special = piece.kind != Kind::Normal && piece.kind != Kind::UserDefined;
        if (special && singleCodePoint(piece.text) != kNoCharacter)
            return "a special piece of one character";
        if (piece.kind != Kind::Normal)
            continue;
        for (std::size_t at = 0; at < piece.text.size();) {
            const std::size_t begin = at;
            nextCodePoint(piece.text, at);
            if (vocabulary.idOf(std::string_view(piece.text).substr(begin, at - begin)) == kNoToken)
                return "\"" + display(piece.text, 60) + "\", a character of which is no piece";
        }
    }
    const auto bytes = byteTokens(vocabulary);
    if (file.byteFallback && std::find(bytes.begin(), bytes.end(), kNoToken) != bytes.end())
        return "byte fallback without a piece for every byte";
    return {};
}

std::unique_ptr<const Model> makeBpe(const SentencePieceFile& file, Vocabulary vocabulary)
{
    std::vector<float> scores; // of the pieces that merging can make
    for (const auto& piece : file.pieces)
        if (piece.kind == Kind::Normal)
            scores.push_back(piece.score);
    std::sort(scores.begin(), scores.end(), std::greater<>());
    scores.erase(std::unique(scores.begin(), scores.end()), scores.end());
    std::vector<std::uint32_t> ranks;
    for (const auto& piece : file.pieces) {
        const auto place = std::lower_bound(scores.begin(), scores.end(), piece.score, std::greater<>());
        ranks.push_back(piece.kind == Kind::Normal ? static_cast<std::uint32_t>(place - scores.begin())
                                                   : Merge::kNever);
    }
    BpeModel::Parts parts;
    parts.merges = MergeTable::fromRanks(vocabulary, ranks);
    parts.vocabulary = std::move(vocabulary);
    parts.unknown = file.unknown;
    parts.byteFallback = file.byteFallback;
    parts.fuseUnknown = true;
    return BpeModel::make(std::move(parts));
}

/// User-defined pieces are found in the text before anything is merged; control pieces only where a file beside the
/// model does not list the tokens (SentencePiece itself never finds them in a text).
void addOwnTokens(const SentencePieceFile& file, bool listed, std::vector<AddedToken>& tokens)
{
    for (std::size_t i = 0; i < file.pieces.size(); ++i) {
        const auto& piece = file.pieces[i];
        const bool userDefined = piece.kind == Kind::UserDefined;
        const bool control = (piece.kind == Kind::Control || piece.kind == Kind::Unknown) && !listed;
        if (!userDefined && !control)
            continue;
        const auto known = std::find_if(tokens.begin(), tokens.end(),
                                        [&](const AddedToken& token) { return token.id == static_cast<TokenId>(i); });
        if (known != tokens.end()) {
            if (userDefined)
                known->normalized = known->alsoRaw = true;
            continue;
        }
        AddedToken token;
        token.id = static_cast<TokenId>(i);
        token.content = piece.text;
        token.special = control;
        token.normalized = userDefined;
        tokens.push_back(std::move(token));
    }
}

Json replaceSpaces(const char* from, const char* to)
{
    return {{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
}

Json decoderParts(bool stripsPrefix)
{
    Json list = Json::array({replaceSpaces(kSpaceMark, " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}});
    if (stripsPrefix)
        list.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
    return {{"type", "Sequence"}, {"decoders", list}};
}

/// bos_token and eos_token around the text, from the two switches.
Result<void> addEnds(const TokenizerSettings& settings, Pipeline& pipeline)
{
    struct Side {
        bool add;
        const char* role;
        std::vector<TokenId>* ids;
    };
    for (const Side& side : {Side{settings.addBos.value_or(true), "bos_token", &pipeline.post.before},
                             Side{settings.addEos.value_or(false), "eos_token", &pipeline.post.after}}) {
        if (!side.add)
            continue;
        const AddedToken* const token = settings.role(side.role);
        const TokenId id = token ? pipeline.idOf(token->content) : kNoToken;
        if (id == kNoToken)
            return makeError(Errc::BadFormat, "the token that is to be added is not known")
                .in(settings.file)
                .at(side.role);
        side.ids->push_back(id);
    }
    return {};
}

} // namespace

Result<Pipeline> readSentencePiece(std::string_view bytes, const std::string& folder, const std::string& file)
{
    SA_TRY(TokenizerSettings settings, TokenizerSettings::read(folder));
    if (std::find(std::begin(kClasses), std::end(kClasses), settings.className) == std::end(kClasses))
        return makeError(Errc::Unsupported, "a tokenizer of this class cannot be read from tokenizer.model")
            .in(settings.file)
            .at("tokenizer_class")
            .butFound("\"" + display(settings.className, 60) + "\"")
            .wanted("LlamaTokenizer or GemmaTokenizer")
            .tryThis("Add the tokenizer.json of this model to the folder");
    // LlamaTokenizer without `legacy` puts the prefix before the whole text only, and does it itself.
    const bool prefixesItself = settings.className != "GemmaTokenizer" && !settings.legacy.value_or(true);
    SA_TRY(const SentencePieceFile model, SentencePieceFile::parse(bytes, file));
    const bool atStartOnly = prefixesItself && settings.addPrefixSpace.value_or(true);
    const bool prefix = atStartOnly || (!prefixesItself && model.addDummyPrefix);

    std::vector<std::string> texts;
    for (const auto& piece : model.pieces)
        texts.push_back(piece.text);
    Vocabulary vocabulary = Vocabulary::fromList(texts);
    if (const std::string found = obstacle(model, vocabulary); !found.empty())
        return makeError(Errc::Unsupported, "this kind of SentencePiece model is not supported")
            .in(file)
            .butFound(found)
            .wanted("BPE without rules of normalisation, as LLaMA, Mistral and Gemma have it")
            .tryThis("Add the tokenizer.json of this model to the folder");
    for (const auto& [role, text] :
         {std::pair{"bos_token", vocabulary.idOf("<bos>") >= 0 ? "<bos>" : "<s>"},
          std::pair{"eos_token", vocabulary.idOf("<eos>") >= 0 ? "<eos>" : "</s>"}, std::pair{"unk_token", "<unk>"}})
        settings.defaultRole(role, text);
    SA_TRY(std::vector<AddedToken> tokens, settings.resolve(vocabulary));
    addOwnTokens(model, settings.listsAddedTokens, tokens);

    const TokenId mark = vocabulary.idOf(kSpaceMark);
    Json parts{{"decoder", decoderParts(prefix)}};
    const Json prepend{{"type", "Prepend"}, {"prepend", kSpaceMark}};
    const Json escape = replaceSpaces(" ", kSpaceMark);
    parts["normalizer"] = {{"type", "Sequence"},
                           {"normalizers", prefix ? Json::array({prepend, escape}) : Json::array({escape})}};
    auto runner = makeBpe(model, std::move(vocabulary));
    SA_TRY(Pipeline out, Pipeline::around(std::move(runner), JsonField(parts, file), std::move(tokens)));
    if (atStartOnly) {
        double growth = 1;
        SA_TRY(out.laterNormalizer, Normalizer::read(JsonField(escape, file), growth));
    }
    if (prefixesItself) {
        out.ownPrefix = Pipeline::OwnPrefix{mark, atStartOnly, {}};
        for (const auto& role : settings.roles)
            out.ownPrefix->vanishesBefore.push_back(out.idOf(role.token.content));
    }
    SA_CHECK(addEnds(settings, out));
    return out;
}

} // namespace sa::tokenizer
