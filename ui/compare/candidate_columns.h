// SPDX-License-Identifier: GPL-3.0-or-later
// What the two models would have said at a token, as far as it is known and can be compared.
#pragma once

#include "ui/compare/candidate_card.h"
#include "ui/compare/token_compare.h"

#include <optional>

namespace sa::ui
{

/// At token `token` of the answer of `side`. Lists of two models are only comparable where both had read the same:
/// up to the first difference, or along the left text once the right model has scored it.
std::array<CandidateColumn, 2> candidateColumns(const Turn& turn, const std::array<QString, 2>& names, int side,
                                                int token, const std::optional<Difference>& difference);

} // namespace sa::ui
