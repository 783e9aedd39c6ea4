// SPDX-License-Identifier: GPL-3.0-or-later
// Owner of one packed weight; `view()` is what the kernels see.
#pragma once

#include "sa/kernels/sign_planes.h"

#include <cstdint>
#include <vector>

namespace sa
{

struct PackedWeight {
    int N = 0, K = 0, q = 0;
    int R = 0;                                ///< rows per scale
    int C = 8;                                ///< columns per scale
    std::vector<std::uint32_t> bits;          ///< [ceil(K/32)][q][N]
    std::vector<kernels::PackedScale> scales; ///< [ceil(K/C)][q][ceil(N/R)]

    kernels::SignPlanes view() const;
    std::uint64_t storedBytes() const { return bits.size() * 4 + scales.size() * 2; }
    double bitsPerWeight() const { return 8.0 * static_cast<double>(storedBytes()) / (static_cast<double>(N) * K); }
};

} // namespace sa
