// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/vocab_merges.h"

#include "core/base/file.h"
#include "core/tokenizer/bpe.h"
#include "core/tokenizer/special_tokens.h"
#include "core/tokenizer/unicode.h"

#include <algorithm>

namespace sa::tokenizer
{

namespace
{

// OPTTokenizer never existed; folders that name it mean GPT-2's. Others cut texts differently, or add other tokens.
constexpr std::string_view kGpt2Classes[] = {"", "GPT2Tokenizer", "OPTTokenizer", "GPTNeoXTokenizer",
                                             "PreTrainedTokenizer"};
constexpr const char* kQwen2Class = "Qwen2Tokenizer";
// Qwen's pattern, from its published tokenizer.
constexpr const char* kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// The lines of merges.txt as tokenizer.json lists them.
Result<Json> readMerges(const std::string& file)
{
    constexpr std::uint64_t kMaxBytes = 128u << 20;
    SA_TRY(const std::string bytes, readFile(file, kMaxBytes));
    Json out = Json::array();
    std::string_view rest = bytes;
    for (std::size_t number = 1; !rest.empty(); ++number) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        std::string_view line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        if (line.empty() || (number == 1 && line.starts_with("#version")))
            continue;
        std::string unused;
        const std::size_t space = line.find(' ');
        if (space == 0 || space == std::string_view::npos || space + 1 == line.size() ||
            line.find(' ', space + 1) != std::string_view::npos || toValidUtf8(line, unused).data() != line.data())
            return makeError(Errc::BadFormat, "this line is not a merge")
                .in(file)
                .at("line " + std::to_string(number))
                .butFound("\"" + display(std::string(line), 60) + "\"")
                .wanted("two tokens with a space between them");
        out.push_back(Json::array({line.substr(0, space), line.substr(space + 1)}));
    }
    return out;
}

Result<void> addDefaults(TokenizerSettings& settings, const Vocabulary& vocabulary, const std::string& file)
{
    if (!settings.roles.empty() || settings.listsAddedTokens)
        return {};
    // OPT's vocabulary has both.
    const bool isOpt = vocabulary.idOf("</s>") != kNoToken;
    if (!isOpt && vocabulary.idOf("<|endoftext|>") != kNoToken) {
        settings.defaultRole("bos_token", "<|endoftext|>");
        return {};
    }
    if (!isOpt)
        return makeError(Errc::Unsupported, "nothing says which tokens of this vocabulary are special")
            .in(file)
            .wanted("\"<|endoftext|>\" (GPT-2) or \"</s>\" (OPT) in it, or a tokenizer_config.json")
            .tryThis("Add the tokenizer.json or the tokenizer_config.json of this model to the folder");
    settings.defaultRole("bos_token", "</s>");
    settings.defaultRole("pad_token", "<pad>");
    settings.addBos = settings.addBos.value_or(true);
    return {};
}

} // namespace

Result<Pipeline> readVocabMerges(const std::string& folder)
{
    const std::string file = joinPath(folder, "vocab.json");
    SA_TRY(TokenizerSettings settings, TokenizerSettings::read(folder));
    const bool qwen = settings.className == kQwen2Class;
    if (!qwen &&
        std::find(std::begin(kGpt2Classes), std::end(kGpt2Classes), settings.className) == std::end(kGpt2Classes))
        return makeError(Errc::Unsupported, "a tokenizer of this class cannot be read from vocab.json and merges.txt")
            .in(settings.file)
            .at("tokenizer_class")
            .butFound("\"" + display(settings.className, 60) + "\"")
            .wanted("GPT2Tokenizer or Qwen2Tokenizer")
            .tryThis("Add the tokenizer.json of this model to the folder");
    BpeModel::Parts model;
    SA_TRY(const Json vocab, json::parseFile(file));
    SA_TRY(model.vocabulary, Vocabulary::read(JsonField(vocab, file)));
    const std::string mergesFile = joinPath(folder, "merges.txt");
    SA_TRY(const Json merges, readMerges(mergesFile));
    SA_TRY(model.merges, MergeTable::read(JsonField(merges, mergesFile, "merges"), model.vocabulary));
    SA_CHECK(addDefaults(settings, model.vocabulary, file));
    SA_TRY(std::vector<AddedToken> tokens, settings.resolve(model.vocabulary));

    const bool prefixSpace = settings.addPrefixSpace.value_or(false);
    const Json byteLevel{{"type", "ByteLevel"}, {"add_prefix_space", prefixSpace}, {"use_regex", !qwen}};
    Json parts{{"decoder", byteLevel}, {"pre_tokenizer", byteLevel}};
    if (qwen) {
        const Json split{
            {"type", "Split"}, {"pattern", {{"Regex", kQwen2Pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
        parts["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", Json::array({split, byteLevel})}};
        parts["normalizer"] = {{"type", "NFC"}};
    }
    SA_TRY(Pipeline out, Pipeline::around(BpeModel::make(std::move(model)), JsonField(parts, file), std::move(tokens)));
    if (settings.addBos.value_or(false)) {
        const AddedToken* const first = settings.role("bos_token");
        const TokenId id = first ? out.idOf(first->content) : kNoToken;
        if (id == kNoToken)
            return makeError(Errc::BadFormat, "the token that is to be added is not known")
                .in(settings.file)
                .at("bos_token");
        out.post.before = {id};
    }
    return out;
}

} // namespace sa::tokenizer
