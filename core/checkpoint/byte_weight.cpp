// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/byte_weight.h"

#include "core/base/parallel.h"

#include <algorithm>
#include <cmath>

namespace sa
{

namespace
{

constexpr float kLargest = 127.0F;

/// body(row) for all rows, in pieces of them.
template<class Body> void forEachRow(int N, const Body& body)
{
    constexpr std::int64_t kRows = 256;
    parallelFor((N + kRows - 1) / kRows, [&](std::int64_t piece) {
        for (std::int64_t n = piece * kRows; n < std::min<std::int64_t>(N, (piece + 1) * kRows); ++n)
            body(static_cast<std::size_t>(n));
    });
}

} // namespace

ByteWeight ByteWeight::nearest(const float* w, int N, int K)
{
    const auto rows = static_cast<std::size_t>(N), columns = static_cast<std::size_t>(K);
    ByteWeight out{N, K, std::vector<std::int8_t>(rows * columns), std::vector<float>(rows)};
    forEachRow(N, [&](std::size_t n) {
        const float* row = w + n * columns;
        float largest = 0.0F;
        for (std::size_t k = 0; k < columns; ++k)
            largest = std::max(largest, std::fabs(row[k]));
        float scale = largest / kLargest;
        if (!std::isfinite(scale * kLargest)) // the quotient was rounded up, at the end of what a float holds
            scale = std::nextafter(scale, 0.0F);
        out.scales[n] = scale;
        if (scale == 0.0F) // too small for a float, too
            return;
        for (std::size_t k = 0; k < columns; ++k) // the quotient may round past the end
            out.codes[n * columns + k] =
                static_cast<std::int8_t>(std::clamp(std::nearbyint(row[k] / scale), -kLargest, kLargest));
    });
    return out;
}

void ByteWeight::unpack(float* out) const
{
    const auto columns = static_cast<std::size_t>(K);
    forEachRow(N, [&](std::size_t n) {
        for (std::size_t k = 0; k < columns; ++k)
            out[n * columns + k] = scales[n] * static_cast<float>(codes[n * columns + k]);
    });
}

} // namespace sa
