// SPDX-License-Identifier: GPL-3.0-or-later
// Where two answers part, and how far the models are from each other at a token.
#pragma once

#include "ui/compare/conversation.h"

#include <optional>

namespace sa::ui
{

/// Positions of the first differing tokens, left and right. With unlike vocabularies they may differ.
using Difference = std::array<int, 2>;

/// Follows two answers as they grow; each token is looked at once.
class DifferenceFinder
{
public:
    /// `sameVocabulary`: token numbers mean the same in both, so they are compared; otherwise the texts are.
    explicit DifferenceFinder(bool sameVocabulary = true)
        : m_sameVocabulary(sameVocabulary)
    {
    }

    /// True when the difference was found by this call.
    bool update(const std::vector<ChatToken>& left, const std::vector<ChatToken>& right);
    const std::optional<Difference>& found() const { return m_found; }

private:
    bool updateByIds(const std::vector<ChatToken>& left, const std::vector<ChatToken>& right);
    bool updateByText(const std::vector<ChatToken>& left, const std::vector<ChatToken>& right);

    bool m_sameVocabulary;
    std::array<int, 2> m_token{};      ///< next to compare
    std::array<qsizetype, 2> m_char{}; ///< within that token
    std::optional<Difference> m_found;
};

/// KL(p || q) in nats from what is known of both distributions, their likeliest tokens: tokens known in both count
/// alone, all others together. Putting tokens together can only lower the divergence, so this is a lower bound; NaN
/// when nothing is known.
double divergenceAtLeast(const std::vector<Candidate>& p, const std::vector<Candidate>& q);

} // namespace sa::ui
