// SPDX-License-Identifier: GPL-3.0-or-later
// What the result of a `generate` job adds to an answer that was streamed.
#pragma once

#include "ui/compare/conversation.h"

namespace sa::ui
{

/// The worker is not trusted: members that make no sense are left out.
void takeFigures(const Json& result, Answer& answer);

} // namespace sa::ui
