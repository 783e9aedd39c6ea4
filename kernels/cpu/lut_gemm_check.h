// SPDX-License-Identifier: GPL-3.0-or-later
// The one validator in front of every CPU product: shapes, pointers and alignment, before any work.
#pragma once

#include "sa/kernels/sign_planes.h"

namespace sa::kernels::cpu
{

/// Ok also for an empty product (M = 0 or no rows), whose x and y may be null.
Status checkCall(const SignPlanes& w, const float* x, int M, const float* y, std::ptrdiff_t ldy, int rowBegin,
                 int rowEnd) noexcept;

} // namespace sa::kernels::cpu
