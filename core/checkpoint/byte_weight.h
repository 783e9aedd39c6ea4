// SPDX-License-Identifier: GPL-3.0-or-later
// A weight of one signed byte an element and one scale a row: w^[n,k] = scales[n] * codes[n,k]. The form of an output
// head at 8 bits (docs/decisions/0019).
#pragma once

#include <cstdint>
#include <vector>

namespace sa
{

struct ByteWeight {
    int N = 0, K = 0;
    std::vector<std::int8_t> codes; ///< [N][K], -127 .. 127
    std::vector<float> scales;      ///< [N], >= 0

    /// Nearest codes for w, f32 [N][K], finite; the largest magnitude of a row becomes 127.
    static ByteWeight nearest(const float* w, int N, int K);
    void unpack(float* out) const; ///< f32 [N][K], each product rounded to float
    std::uint64_t storedBytes() const { return codes.size() + scales.size() * sizeof(float); }
};

} // namespace sa
