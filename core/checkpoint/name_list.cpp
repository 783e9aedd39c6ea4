// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/name_list.h"

#include "core/base/error.h"

namespace sa
{

std::string someOf(const std::vector<std::string>& names, std::size_t shown)
{
    std::string text;
    for (std::size_t i = 0; i < names.size() && i < shown; ++i)
        text += (i == 0 ? "" : ", ") + display(names[i], 80);
    if (names.size() > shown)
        text += " and " + std::to_string(names.size() - shown) + " more";
    return text;
}

} // namespace sa
