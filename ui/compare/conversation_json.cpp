// SPDX-License-Identifier: GPL-3.0-or-later
// Conversations as files. Tokens are short arrays, [id, text, log-probability, divergence, [candidates]], because there
// are thousands of them.
#include "ui/compare/conversation.h"
#include "ui/text.h"

#include <cmath>

namespace sa::ui
{

namespace
{

constexpr std::size_t kMaxTurns = 10'000;
constexpr std::size_t kMaxTokens = 1'000'000;
constexpr std::size_t kMaxCandidates = 1000;
constexpr std::int64_t kMaxInt = std::numeric_limits<int>::max();
constexpr std::int64_t kMaxSeed = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMaxBytes = std::int64_t{1} << 53;
constexpr double kMaxNumber = std::numeric_limits<double>::max();
constexpr const char* kStates[] = {"none", "waiting", "writing", "done", "stopped", "failed"};

Json numberOrNull(double value)
{
    return std::isfinite(value) ? Json(value) : Json();
}

Json toJson(const ChatToken& token)
{
    Json top = Json::array();
    for (const Candidate& candidate : token.top)
        top.push_back(Json::array({candidate.id, toUtf8(candidate.text), numberOrNull(candidate.logProbability)}));
    return Json::array({token.id, toUtf8(token.text), numberOrNull(token.logProbability),
                        numberOrNull(token.divergence), std::move(top)});
}

Json toJson(const Answer& answer)
{
    Json tokens = Json::array();
    for (const ChatToken& token : answer.tokens)
        tokens.push_back(toJson(token));
    return {{"state", kStates[static_cast<std::size_t>(answer.state)]},
            {"tokens", std::move(tokens)},
            {"end", toUtf8(answer.end)},
            {"failure", toUtf8(answer.failure)},
            {"tokens_per_second", numberOrNull(answer.tokensPerSecond)},
            {"first_token_seconds", numberOrNull(answer.firstTokenSeconds)},
            {"load_seconds", numberOrNull(answer.loadSeconds)},
            {"memory_bytes", answer.memoryBytes}};
}

Result<double> number(const JsonField& field)
{
    if (field.isNull())
        return kNoNumber;
    return field.asDouble(-kMaxNumber, kMaxNumber);
}

Result<double> numberAt(const JsonField& object, const char* key)
{
    const auto field = object.find(key);
    return field ? number(*field) : Result<double>(kNoNumber);
}

Result<int> idOf(const JsonField& field)
{
    SA_TRY(const std::int64_t id, field.asInt(0, kMaxInt));
    return static_cast<int>(id);
}

Result<QString> textOf(const JsonField& field)
{
    SA_TRY(const std::string text, field.asString());
    return fromUtf8(text);
}

Result<QString> textAt(const JsonField& object, const char* key)
{
    SA_TRY(const std::string text, object.stringOr(key, {}));
    return fromUtf8(text);
}

Result<Candidate> parseCandidate(const JsonField& field)
{
    SA_TRY(const auto parts, field.elements(3));
    if (parts.size() != 3)
        return field.wrong("[id, text, log-probability]");
    Candidate candidate;
    SA_TRY(candidate.id, idOf(parts[0]));
    SA_TRY(candidate.text, textOf(parts[1]));
    SA_TRY(candidate.logProbability, number(parts[2]));
    return candidate;
}

Result<ChatToken> parseToken(const JsonField& field)
{
    SA_TRY(const auto parts, field.elements(5));
    if (parts.size() != 5)
        return field.wrong("[id, text, log-probability, divergence, candidates]");
    ChatToken token;
    SA_TRY(token.id, idOf(parts[0]));
    SA_TRY(token.text, textOf(parts[1]));
    SA_TRY(token.logProbability, number(parts[2]));
    SA_TRY(token.divergence, number(parts[3]));
    SA_TRY(const auto top, parts[4].elements(kMaxCandidates));
    token.top.reserve(top.size());
    for (const JsonField& part : top) {
        SA_TRY(Candidate candidate, parseCandidate(part));
        token.top.push_back(std::move(candidate));
    }
    return token;
}

Result<Answer::State> parseState(const JsonField& object)
{
    SA_TRY(const std::string name, object.stringAt("state"));
    for (std::size_t i = 0; i < std::size(kStates); ++i)
        if (name == kStates[i])
            return static_cast<Answer::State>(i);
    SA_TRY(const JsonField field, object.at("state"));
    return field.wrong("none, waiting, writing, done, stopped or failed");
}

Result<Answer> parseAnswer(const JsonField& object)
{
    Answer answer;
    SA_TRY(answer.state, parseState(object));
    if (answer.isRunning()) // when it was saved; nobody writes it now
        answer.state = Answer::State::Stopped;
    SA_TRY(const JsonField list, object.at("tokens"));
    SA_TRY(const auto tokens, list.elements(kMaxTokens));
    answer.tokens.reserve(tokens.size());
    for (const JsonField& field : tokens) {
        SA_TRY(ChatToken token, parseToken(field));
        answer.tokens.push_back(std::move(token));
    }
    SA_TRY(answer.end, textAt(object, "end"));
    SA_TRY(answer.failure, textAt(object, "failure"));
    SA_TRY(answer.tokensPerSecond, numberAt(object, "tokens_per_second"));
    SA_TRY(answer.firstTokenSeconds, numberAt(object, "first_token_seconds"));
    SA_TRY(answer.loadSeconds, numberAt(object, "load_seconds"));
    SA_TRY(const std::int64_t memory, object.intOr("memory_bytes", 0, 0, kMaxBytes));
    answer.memoryBytes = static_cast<std::uint64_t>(memory);
    return answer;
}

Result<Turn> parseTurn(const JsonField& object)
{
    Turn turn;
    SA_TRY(const std::string prompt, object.stringAt("prompt"));
    turn.prompt = fromUtf8(prompt);
    SA_TRY(const JsonField list, object.at("answers"));
    SA_TRY(const auto answers, list.elements(2));
    if (answers.size() != turn.answers.size())
        return list.wrong("two answers");
    for (std::size_t side = 0; side < turn.answers.size(); ++side) {
        SA_TRY(turn.answers[side], parseAnswer(answers[side]));
    }
    if (const auto forced = object.find("forced")) {
        SA_TRY(turn.forced, parseAnswer(*forced));
    }
    return turn;
}

Result<Sampling> parseSampling(const JsonField& object)
{
    Sampling sampling;
    SA_TRY(sampling.greedy, object.boolOr("greedy", sampling.greedy));
    SA_TRY(sampling.temperature, object.doubleOr("temperature", sampling.temperature, 0, 100));
    SA_TRY(sampling.topP, object.doubleOr("top_p", sampling.topP, 0, 1));
    SA_TRY(const std::int64_t seed, object.intOr("seed", 0, 0, kMaxSeed));
    sampling.seed = static_cast<std::uint64_t>(seed);
    SA_TRY(const std::int64_t tokens, object.intOr("max_tokens", sampling.maxTokens, 1, 1'000'000));
    sampling.maxTokens = static_cast<int>(tokens);
    SA_TRY(sampling.system, textAt(object, "system"));
    return sampling;
}

} // namespace

Json toJson(const Conversation& conversation)
{
    const Sampling& sampling = conversation.sampling;
    Json turns = Json::array();
    for (const Turn& turn : conversation.turns) {
        Json entry{{"prompt", toUtf8(turn.prompt)},
                   {"answers", Json::array({toJson(turn.answers[0]), toJson(turn.answers[1])})}};
        if (turn.forced.state != Answer::State::None)
            entry["forced"] = toJson(turn.forced);
        turns.push_back(std::move(entry));
    }
    return {{"version", kConversationVersion},
            {"created", toUtf8(conversation.created.toUTC().toString(Qt::ISODate))},
            {"models", Json::array({toUtf8(conversation.models[0]), toUtf8(conversation.models[1])})},
            {"sampling",
             {{"greedy", sampling.greedy},
              {"temperature", sampling.temperature},
              {"top_p", sampling.topP},
              {"seed", sampling.seed},
              {"max_tokens", sampling.maxTokens},
              {"system", toUtf8(sampling.system)}}},
            {"turns", std::move(turns)}};
}

Result<Conversation> parseConversation(const Json& value, const std::string& file)
{
    const JsonField root(value, file);
    SA_TRY(const std::int64_t version, root.intAt("version", 1, kMaxInt));
    if (version > kConversationVersion)
        return makeError(Errc::Unsupported, "a newer program wrote this conversation")
            .in(file)
            .at("version")
            .butFound(std::to_string(version))
            .wanted("at most " + std::to_string(kConversationVersion));
    Conversation conversation;
    SA_TRY(const std::string created, root.stringAt("created"));
    conversation.created = QDateTime::fromString(fromUtf8(created), Qt::ISODate);
    SA_TRY(const JsonField list, root.at("models"));
    SA_TRY(const auto models, list.elements(2));
    if (models.size() != conversation.models.size())
        return list.wrong("two folders");
    for (std::size_t side = 0; side < models.size(); ++side) {
        SA_TRY(conversation.models[side], textOf(models[side]));
    }
    SA_TRY(const JsonField sampling, root.at("sampling"));
    SA_TRY(conversation.sampling, parseSampling(sampling));
    SA_TRY(const JsonField turnList, root.at("turns"));
    SA_TRY(const auto turns, turnList.elements(kMaxTurns));
    for (const JsonField& field : turns) {
        SA_TRY(Turn turn, parseTurn(field));
        conversation.turns.push_back(std::move(turn));
    }
    return conversation;
}

} // namespace sa::ui
