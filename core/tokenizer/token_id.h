// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

namespace sa
{

using TokenId = std::int32_t;

} // namespace sa
