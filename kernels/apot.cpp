// SPDX-License-Identifier: GPL-3.0-or-later
#include "sa/kernels/apot.h"

#include "sa/kernels/apot_inline.h"

namespace sa::kernels
{

PackedScale apotRound(double value, int terms) noexcept
{
    return apot::round(value, terms);
}

double apotValue(PackedScale scale) noexcept
{
    return apot::value(scale);
}

bool apotValid(PackedScale scale) noexcept
{
    constexpr unsigned kPayload = 0x3FFU;
    constexpr unsigned kTerm3 = 0x1FU;
    if (scale >> 10 == 0)
        return scale == 0;
    if (apot::gap2(scale) == 0)
        return (scale & kPayload) == 0;
    return apot::gap3(scale) != 0 || (scale & kTerm3) == 0;
}

} // namespace sa::kernels
