// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/packed_weight.h"

namespace sa
{

kernels::SignPlanes PackedWeight::view() const
{
    kernels::SignPlanes planes;
    planes.bits = bits.data();
    planes.scales = scales.data();
    planes.N = N;
    planes.K = K;
    planes.q = q;
    planes.R = R;
    planes.C = C;
    return planes;
}

} // namespace sa
