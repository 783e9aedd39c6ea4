// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/compare/conversation.h"

#include "ui/text.h"

#include <cmath>

namespace sa::ui
{

namespace
{

constexpr qsizetype kTitleLength = 60;

/// NaN equals NaN: "unknown" on both sides.
bool same(double a, double b)
{
    return a == b || (std::isnan(a) && std::isnan(b));
}

} // namespace

bool Candidate::operator==(const Candidate& other) const
{
    return id == other.id && text == other.text && same(logProbability, other.logProbability);
}

bool ChatToken::operator==(const ChatToken& other) const
{
    return id == other.id && text == other.text && same(logProbability, other.logProbability) &&
           same(divergence, other.divergence) && top == other.top;
}

ChatToken chatToken(const Token& token)
{
    ChatToken out;
    out.id = token.id;
    out.text = fromUtf8(token.text);
    out.logProbability = token.logProbability.value_or(kNoNumber);
    out.divergence = token.divergence.value_or(kNoNumber);
    out.top.reserve(token.top.size());
    for (const TokenCandidate& candidate : token.top)
        out.top.push_back({candidate.id, fromUtf8(candidate.text), candidate.logProbability});
    return out;
}

QString Answer::text() const
{
    QString out;
    for (const ChatToken& token : tokens)
        out += token.text;
    return out;
}

std::vector<std::int32_t> Answer::ids() const
{
    std::vector<std::int32_t> out;
    out.reserve(tokens.size());
    for (const ChatToken& token : tokens)
        out.push_back(token.id);
    return out;
}

QString Conversation::title() const
{
    if (turns.empty())
        return {};
    const QString first = turns.front().prompt.simplified();
    return first.size() <= kTitleLength ? first : first.left(kTitleLength - 1).trimmed() + u'…';
}

std::vector<MessageSpec> messagesFor(const Conversation& conversation, int side, std::size_t turn)
{
    std::vector<MessageSpec> messages;
    if (!conversation.sampling.system.isEmpty())
        messages.push_back({"system", toUtf8(conversation.sampling.system)});
    for (std::size_t i = 0; i <= turn && i < conversation.turns.size(); ++i) {
        messages.push_back({"user", toUtf8(conversation.turns[i].prompt)});
        if (i < turn)
            messages.push_back(
                {"assistant", toUtf8(conversation.turns[i].answers[static_cast<std::size_t>(side)].text())});
    }
    return messages;
}

} // namespace sa::ui
