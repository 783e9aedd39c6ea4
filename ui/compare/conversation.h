// SPDX-License-Identifier: GPL-3.0-or-later
// A conversation with two models at once: the same prompts, an answer of each. A value; sides are 0 (left, usually the
// original) and 1 (right).
#pragma once

#include "core/base/json.h"
#include "core/protocol/job_spec.h"
#include "core/protocol/messages.h"
#include "ui/models/model_summary.h"

#include <QDateTime>
#include <QString>

#include <array>
#include <vector>

namespace sa::ui
{

/// A token that could have come.
struct Candidate {
    int id = 0;
    QString text;                      ///< exact
    double logProbability = kNoNumber; ///< natural logarithm, before temperature and top-p
    bool operator==(const Candidate&) const;
};

struct ChatToken {
    int id = 0;
    QString text; ///< exact; may be empty (half a character, the end token)
    double logProbability = kNoNumber;
    double divergence = kNoNumber; ///< KL from the left model's distribution, nats; of forced tokens only
    std::vector<Candidate> top;    ///< the likeliest first
    bool operator==(const ChatToken&) const;
};
ChatToken chatToken(const Token& token);

struct Answer {
    enum class State { None, Waiting, Writing, Done, Stopped, Failed };

    State state = State::None;
    std::vector<ChatToken> tokens;
    QString end;     ///< why it is done: "eos", "length", "stop"
    QString failure; ///< one sentence
    double tokensPerSecond = kNoNumber;
    double firstTokenSeconds = kNoNumber; ///< without loading
    double loadSeconds = kNoNumber;
    std::uint64_t memoryBytes = 0; ///< the worker's peak; 0: unknown

    bool isRunning() const { return state == State::Waiting || state == State::Writing; }
    QString text() const;
    std::vector<std::int32_t> ids() const;
};

struct Turn {
    QString prompt;
    std::array<Answer, 2> answers;
    /// The right model's view of the left answer's tokens, one for each.
    Answer forced;
};

struct Sampling {
    bool greedy = true; ///< the likeliest token each time: differences come from the models alone
    double temperature = 0.7;
    double topP = 0.95;
    std::uint64_t seed = 0;
    int maxTokens = 256;
    QString system; ///< first message of both; empty: the template's own
    bool operator==(const Sampling&) const = default;
};

struct Conversation {
    QString id; ///< file name without ending
    QDateTime created;
    std::array<QString, 2> models; ///< folders
    Sampling sampling;
    std::vector<Turn> turns;

    QString title() const; ///< the beginning of the first prompt
};

/// The conversation as `side` knows it, up to and without the answer of turn `turn`.
std::vector<MessageSpec> messagesFor(const Conversation& conversation, int side, std::size_t turn);

inline constexpr int kConversationVersion = 1;
Json toJson(const Conversation& conversation);
/// BadFormat or Unsupported, naming the member. `file` is only used in errors.
Result<Conversation> parseConversation(const Json& value, const std::string& file);

} // namespace sa::ui
