// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/llama2c_file.h"

#include "core/base/file.h"
#include "core/tokenizer/bpe.h"
#include "core/tokenizer/unicode.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <span>

namespace sa::tokenizer
{

namespace
{

constexpr std::uint64_t kMaxBytes = 64u << 20;
constexpr std::size_t kFirstByteToken = 3;
constexpr std::size_t kLeastTokens = kFirstByteToken + 256;
constexpr std::int32_t kMaxTokenBytes = 4096;
// "<unk>" is the first token of every file: its score, its length, its text.
constexpr std::string_view kFirstToken("\0\0\0\0\5\0\0\0<unk>", 13);
constexpr std::size_t kHeaderBytes = 4;

struct Entries {
    std::vector<std::string> tokens;
    std::vector<float> scores;
};

Result<Entries> readEntries(const std::string& file)
{
    SA_TRY(const std::string bytes, readFile(file, kMaxBytes));
    Entries out;
    std::size_t at = kHeaderBytes;
    const auto broken = [&](const std::string& found, const std::string& expected) {
        return makeError(Errc::BadFormat, "this token of the tokenizer is damaged")
            .in(file)
            .at("token " + std::to_string(out.tokens.size()))
            .butFound(found)
            .wanted(expected);
    };
    while (at < bytes.size()) {
        float score = 0;
        std::int32_t size = 0;
        if (bytes.size() - at < sizeof score + sizeof size)
            return broken(std::to_string(bytes.size() - at) + " bytes", "a score and a length, 8 bytes");
        std::memcpy(&score, bytes.data() + at, sizeof score);
        std::memcpy(&size, bytes.data() + at + sizeof score, sizeof size);
        at += sizeof score + sizeof size;
        if (!std::isfinite(score))
            return broken("a score that is not a number", "a finite score");
        if (size < 0 || size > kMaxTokenBytes || static_cast<std::size_t>(size) > bytes.size() - at)
            return broken("a length of " + std::to_string(size),
                          "at most " + std::to_string(std::min<std::size_t>(kMaxTokenBytes, bytes.size() - at)));
        const std::string_view text = std::string_view(bytes).substr(at, static_cast<std::size_t>(size));
        std::string unused;
        if (toValidUtf8(text, unused).data() != text.data())
            return broken("bytes that are not UTF-8", "UTF-8");
        out.tokens.emplace_back(text);
        out.scores.push_back(score);
        at += text.size();
    }
    if (out.tokens.size() < kLeastTokens)
        return broken("the end of the file", "at least " + std::to_string(kLeastTokens) + " tokens");
    return out;
}

} // namespace

bool looksLikeLlama2c(const std::string& file)
{
    const auto opened = File::open(file);
    std::array<std::byte, kHeaderBytes + kFirstToken.size()> begin{};
    return opened && opened->sizeBytes() >= begin.size() && opened->readAt(0, begin) &&
           std::memcmp(begin.data() + kHeaderBytes, kFirstToken.data(), kFirstToken.size()) == 0;
}

Result<Pipeline> readLlama2c(const std::string& file)
{
    SA_TRY(const Entries entries, readEntries(file));
    std::vector<float> scores = entries.scores;
    std::sort(scores.begin(), scores.end(), std::greater<>());
    scores.erase(std::unique(scores.begin(), scores.end()), scores.end());
    std::vector<std::uint32_t> ranks;
    for (const float score : entries.scores)
        ranks.push_back(static_cast<std::uint32_t>(
            std::lower_bound(scores.begin(), scores.end(), score, std::greater<>()) - scores.begin()));
    BpeModel::Parts model;
    model.vocabulary = Vocabulary::fromList(entries.tokens);
    model.merges = MergeTable::fromRanks(model.vocabulary, ranks);
    model.byteFallback = true;
    const auto bytes = byteTokens(model.vocabulary);
    for (std::size_t byte = 0; byte < 256; ++byte) { // llama2.c counts on these places
        const auto id = static_cast<TokenId>(kFirstByteToken + byte);
        if (bytes[byte] != id)
            return makeError(Errc::BadFormat, "the byte tokens are not where they should be")
                .in(file)
                .at("token " + std::to_string(id))
                .butFound("\"" + display(entries.tokens[static_cast<std::size_t>(id)], 60) + "\"");
    }
    std::vector<AddedToken> special;
    for (const char* const name : {"<unk>", "<s>", "</s>"}) {
        AddedToken token;
        token.id = static_cast<TokenId>(special.size());
        token.content = name;
        token.special = true;
        token.inText = false;
        special.push_back(std::move(token));
    }
    const Json strip{{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}};
    const Json parts{
        {"normalizer", {{"type", "Prepend"}, {"prepend", " "}}},
        {"decoder",
         {{"type", "Sequence"}, {"decoders", Json::array({{{"type", "ByteFallback"}}, {{"type", "Fuse"}}, strip})}}}};
    SA_TRY(Pipeline out,
           Pipeline::around(BpeModel::make(std::move(model)), JsonField(parts, file), std::move(special)));
    out.post.before = {1};
    return out;
}

} // namespace sa::tokenizer
