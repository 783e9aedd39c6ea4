// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/gpu_linear.h"

namespace sa
{

bool shareImage(const PackedWeight& first, const PackedWeight& second)
{
    return first.K == second.K && first.q == second.q && first.C == second.C && first.exponents == second.exponents &&
           first.inputRotation == second.inputRotation;
}

} // namespace sa
