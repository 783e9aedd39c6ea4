// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/compare/candidate_columns.h"

#include "ui/text.h"

#include <cmath>

namespace sa::ui
{

namespace
{

QString tr(const char* text)
{
    return CandidateCard::tr(text);
}

void fill(CandidateColumn& column, const ChatToken& token)
{
    column.top = token.top;
    column.chosen = token.id;
    column.chosenLogProbability = token.logProbability;
    if (token.top.empty())
        column.remark = tr("The worker reported no candidates.");
}

const ChatToken* at(const std::vector<ChatToken>& tokens, int index)
{
    return index >= 0 && index < static_cast<int>(tokens.size()) ? &tokens[static_cast<std::size_t>(index)] : nullptr;
}

} // namespace

std::array<CandidateColumn, 2> candidateColumns(const Turn& turn, const std::array<QString, 2>& names, int side,
                                                int token, const std::optional<Difference>& difference)
{
    const auto own = static_cast<std::size_t>(side);
    const std::size_t other = 1 - own;
    std::array<CandidateColumn, 2> columns;
    for (std::size_t i = 0; i < 2; ++i)
        columns[i].title = shown(names[i], 60);
    if (const ChatToken* here = at(turn.answers[own].tokens, token))
        fill(columns[own], *here);

    const bool sameBefore = !difference || token <= (*difference)[own];
    const int twin = !difference || token < (*difference)[own] ? token : (*difference)[other];
    const ChatToken* there = sameBefore ? at(turn.answers[other].tokens, twin) : nullptr;
    const ChatToken* scored = side == 0 ? at(turn.forced.tokens, token) : nullptr;
    if (there) {
        fill(columns[other], *there);
    } else if (scored) {
        fill(columns[other], *scored);
        columns[other].remark = tr("after the left text");
    } else if (sameBefore) {
        columns[other].remark = tr("This answer has no token here.");
    } else if (side == 0) {
        columns[other].remark =
            tr("The two have read different texts by now. “Score the left text” tells what this model thinks of it.");
    } else {
        columns[other].remark = tr("The two have read different texts by now.");
    }
    return columns;
}

} // namespace sa::ui
