// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/compare/token_compare.h"

#include <algorithm>
#include <cmath>

namespace sa::ui
{

bool DifferenceFinder::update(const std::vector<ChatToken>& left, const std::vector<ChatToken>& right)
{
    if (m_found)
        return false;
    return m_sameVocabulary ? updateByIds(left, right) : updateByText(left, right);
}

bool DifferenceFinder::updateByIds(const std::vector<ChatToken>& left, const std::vector<ChatToken>& right)
{
    const int common = static_cast<int>(std::min(left.size(), right.size()));
    for (int& i = m_token[0]; i < common; ++i) {
        const auto at = static_cast<std::size_t>(i);
        if (left[at].id != right[at].id) {
            m_found = Difference{i, i};
            return true;
        }
    }
    return false;
}

bool DifferenceFinder::updateByText(const std::vector<ChatToken>& left, const std::vector<ChatToken>& right)
{
    const std::array<const std::vector<ChatToken>*, 2> tokens{&left, &right};
    while (true) {
        std::array<QChar, 2> next;
        for (std::size_t side = 0; side < 2; ++side) {
            int& token = m_token[side];
            qsizetype& character = m_char[side];
            const auto& list = *tokens[side];
            while (token < static_cast<int>(list.size()) &&
                   character >= list[static_cast<std::size_t>(token)].text.size()) {
                ++token;
                character = 0;
            }
            if (token >= static_cast<int>(list.size()))
                return false;
            next[side] = list[static_cast<std::size_t>(token)].text[character];
        }
        if (next[0] != next[1]) {
            m_found = Difference{m_token[0], m_token[1]};
            return true;
        }
        ++m_char[0];
        ++m_char[1];
    }
}

double divergenceAtLeast(const std::vector<Candidate>& p, const std::vector<Candidate>& q)
{
    if (p.empty() || q.empty())
        return kNoNumber;
    double sum = 0, restP = 1, restQ = 1;
    for (const Candidate& candidate : p) {
        const auto twin =
            std::find_if(q.begin(), q.end(), [&](const Candidate& other) { return other.id == candidate.id; });
        if (twin == q.end() || !std::isfinite(candidate.logProbability) || !std::isfinite(twin->logProbability))
            continue;
        const double probability = std::exp(candidate.logProbability);
        sum += probability * (candidate.logProbability - twin->logProbability);
        restP -= probability;
        restQ -= std::exp(twin->logProbability);
    }
    constexpr double kNothing = 1e-9; // what rounding leaves of "everything is known"
    if (restP > kNothing)
        sum += restP * std::log(restP / std::max(restQ, kNothing));
    return std::max(0.0, sum);
}

} // namespace sa::ui
