// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/tiktoken_file.h"

#include "core/tokenizer/base64.h"
#include "core/tokenizer/bpe.h"
#include "core/tokenizer/byte_alphabet.h"
#include "core/tokenizer/special_tokens.h"

#include <algorithm>
#include <charconv>
#include <numeric>

namespace sa::tokenizer
{

namespace
{

constexpr std::size_t kLlama3Tokens = 128000;
constexpr std::size_t kLlama3Specials = 256;
// LLaMA-3's pattern, from its published tokenizer.
constexpr const char* kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kBegin = "<|begin_of_text|>";

/// Five tokens have names, at these places behind the vocabulary; the others are reserved and numbered.
std::vector<AddedToken> llama3Specials()
{
    struct Named {
        std::size_t place;
        const char* text;
    };
    constexpr Named kNamed[] = {
        {0, kBegin}, {1, "<|end_of_text|>"}, {6, "<|start_header_id|>"}, {7, "<|end_header_id|>"}, {9, "<|eot_id|>"}};
    std::vector<AddedToken> out;
    int reserved = 0;
    for (std::size_t i = 0; i < kLlama3Specials; ++i) {
        const auto named =
            std::find_if(std::begin(kNamed), std::end(kNamed), [&](const Named& entry) { return entry.place == i; });
        AddedToken token;
        token.id = static_cast<TokenId>(kLlama3Tokens + i);
        token.content =
            named != std::end(kNamed) ? named->text : "<|reserved_special_token_" + std::to_string(reserved++) + "|>";
        token.special = true;
        token.normalized = false;
        out.push_back(std::move(token));
    }
    return out;
}

/// Tokens by rank, in GPT-2's letters.
Result<std::vector<std::string>> readTokens(std::string_view bytes, const std::string& file)
{
    std::vector<std::string> out;
    for (std::size_t number = 1; !bytes.empty(); ++number) {
        const std::size_t end = std::min(bytes.find('\n'), bytes.size());
        const std::string_view line = bytes.substr(0, end);
        bytes.remove_prefix(std::min(end + 1, bytes.size()));
        if (line.empty())
            continue;
        const std::size_t space = line.find(' ');
        const auto token = decodeBase64(line.substr(0, space));
        std::size_t rank = 0;
        const char* const last = line.data() + line.size();
        const auto parsed = space == std::string_view::npos ? std::from_chars_result{last, std::errc::invalid_argument}
                                                            : std::from_chars(line.data() + space + 1, last, rank);
        if (!token || token->empty() || parsed.ec != std::errc() || parsed.ptr != last || rank != out.size())
            return makeError(Errc::BadFormat, "this line of the tokenizer is damaged")
                .in(file)
                .at("line " + std::to_string(number))
                .butFound("\"" + display(std::string(line), 60) + "\"")
                .wanted("a token in base64, a space and " + std::to_string(out.size()))
                .tryThis("Download the file again");
        out.emplace_back();
        appendByteLetters(*token, out.back());
    }
    return out;
}

} // namespace

bool looksLikeTiktoken(std::string_view bytes)
{
    const std::string_view line = bytes.substr(0, bytes.find('\n'));
    const std::size_t space = line.find(' ');
    return space != std::string_view::npos && space > 0 && decodeBase64(line.substr(0, space)) &&
           line.find_first_not_of("0123456789", space + 1) == std::string_view::npos && space + 1 < line.size();
}

Result<Pipeline> readTiktoken(std::string_view bytes, const std::string& folder, const std::string& file)
{
    SA_TRY(const std::vector<std::string> tokens, readTokens(bytes, file));
    if (tokens.size() != kLlama3Tokens)
        return makeError(Errc::Unsupported, "only LLaMA-3's tokenizer is known in this form")
            .in(file)
            .butFound(std::to_string(tokens.size()) + " tokens")
            .wanted(std::to_string(kLlama3Tokens))
            .tryThis("Add the tokenizer.json of this model to the folder");
    Vocabulary vocabulary = Vocabulary::fromList(tokens);
    SA_TRY(const TokenizerSettings settings, TokenizerSettings::read(folder));
    std::vector<AddedToken> specials = llama3Specials();
    if (settings.listsAddedTokens) {
        SA_TRY(specials, settings.resolve(vocabulary));
    }
    std::vector<std::uint32_t> ranks(tokens.size());
    std::iota(ranks.begin(), ranks.end(), 0u);
    BpeModel::Parts model;
    model.merges = MergeTable::fromRanks(vocabulary, ranks);
    model.vocabulary = std::move(vocabulary);
    model.ignoreMerges = true; // tiktoken looks for the whole piece first
    const Json byteLevel{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
    const Json split{
        {"type", "Split"}, {"pattern", {{"Regex", kLlama3Pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
    const Json parts{{"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", Json::array({split, byteLevel})}}},
                     {"decoder", byteLevel}};
    SA_TRY(Pipeline out,
           Pipeline::around(BpeModel::make(std::move(model)), JsonField(parts, file), std::move(specials)));
    if (const TokenId begin = out.idOf(kBegin); begin != kNoToken)
        out.post.before = {begin};
    return out;
}

} // namespace sa::tokenizer
