// SPDX-License-Identifier: GPL-3.0-or-later
// Lists of names in messages.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sa
{

/// "a, b, c and 4 more": a message stays readable however many names it is about.
std::string someOf(const std::vector<std::string>& names, std::size_t shown);

} // namespace sa
