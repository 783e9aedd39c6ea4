// SPDX-License-Identifier: GPL-3.0-or-later
// Owner of one packed weight; `view()` is what the kernels see.
#pragma once

#include "sa/kernels/sign_planes.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace sa
{

struct PackedWeight {
    int N = 0, K = 0, q = 0;
    int R = 0;                                ///< rows per scale
    int C = 8;                                ///< columns per scale
    std::vector<std::uint32_t> bits;          ///< [ceil(K/32)][q][N]
    std::vector<kernels::PackedScale> scales; ///< [ceil(K/C)][q][ceil(N/R)]

    /// The planes act on transformed activations and give transformed outputs (kernels/rotation.h):
    ///     y = Q_out^T W^ Q_in (x * 2^exponents); what is absent is left out.
    std::vector<std::int8_t> exponents;          ///< [K] or empty
    std::optional<std::uint64_t> inputRotation;  ///< seed of Q_in, on K channels
    std::optional<std::uint64_t> outputRotation; ///< seed of Q_out, on N channels

    kernels::SignPlanes view() const;
    bool transformed() const { return !exponents.empty() || inputRotation || outputRotation; }
    /// The dense matrix that the layer stands for, transforms included, rounded to float at each step. out: [N][K].
    kernels::Status unpack(float* out) const;
    std::uint64_t storedBytes() const { return bits.size() * 4 + scales.size() * 2 + exponents.size(); }
    double bitsPerWeight() const { return 8.0 * static_cast<double>(storedBytes()) / (static_cast<double>(N) * K); }
};

} // namespace sa
