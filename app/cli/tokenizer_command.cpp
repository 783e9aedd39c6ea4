// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/tokenizer_command.h"

#include "core/base/file.h"
#include "core/base/json.h"
#include "core/tokenizer/tokenizer.h"

#include <charconv>

namespace sa::cli
{

namespace
{

constexpr std::uint64_t kMaxTextBytes = std::uint64_t{1} << 30;

Result<std::string> tokenize(const TokenizerCommand& command)
{
    if (command.text.has_value() == command.file.has_value())
        return makeError(Errc::Usage, command.text ? "only one text can be tokenized" : "there is nothing to tokenize")
            .wanted("--text or --file")
            .tryThis("See shiftadd tokenize --help");
    SA_TRY(const Tokenizer tokenizer, Tokenizer::open(command.model));
    std::string text;
    if (command.file) {
        SA_TRY(text, readFile(*command.file, kMaxTextBytes));
    } else {
        text = *command.text;
    }
    const std::vector<TokenId> ids = tokenizer.encode(text, !command.noSpecial);
    std::string out;
    if (command.json) {
        Json tokens = Json::array();
        for (const TokenId id : ids)
            tokens.push_back(tokenizer.tokenText(id));
        return json::dump({{"ids", ids}, {"tokens", std::move(tokens)}}) + "\n";
    }
    for (const TokenId id : ids)
        out += std::to_string(id) + "\t" + display(tokenizer.tokenText(id)) + "\n";
    return out;
}

Result<std::vector<TokenId>> readIds(const std::vector<std::string>& words, const Tokenizer& tokenizer)
{
    std::vector<TokenId> out;
    for (const std::string& word : words) {
        for (std::size_t at = 0; at <= word.size();) {
            const std::size_t end = std::min(word.find(',', at), word.size());
            TokenId id = -1;
            const auto [rest, code] = std::from_chars(word.data() + at, word.data() + end, id);
            const bool isNumber = code == std::errc() && rest == word.data() + end && at < end;
            if (!isNumber || id < 0 || static_cast<std::size_t>(id) >= tokenizer.size())
                return makeError(Errc::Usage, isNumber ? "this tokenizer has no such id" : "an id is a number")
                    .at("--ids")
                    .butFound(display(word.substr(at, end - at), 60))
                    .wanted("0 to " + std::to_string(tokenizer.size() - 1));
            out.push_back(id);
            at = end + 1;
        }
    }
    return out;
}

Result<std::string> detokenize(const TokenizerCommand& command)
{
    SA_TRY(const Tokenizer tokenizer, Tokenizer::open(command.model));
    SA_TRY(const auto ids, readIds(command.ids, tokenizer));
    const std::string text = tokenizer.decode(ids, command.noSpecial);
    return command.json ? json::dump({{"text", text}}) + "\n" : text + "\n";
}

} // namespace

Result<std::string> runTokenizerCommand(const TokenizerCommand& command)
{
    return command.kind == TokenizerCommand::Kind::Tokenize ? tokenize(command) : detokenize(command);
}

} // namespace sa::cli
