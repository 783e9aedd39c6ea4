// SPDX-License-Identifier: GPL-3.0-or-later
// The bodies of apotRound and apotValue (apot.h says what they promise), for the CPU and for CUDA kernels alike.
#pragma once

#include "sa/kernels/apot.h"
#include "sa/kernels/host_device.h"

#include <cmath>

namespace sa::kernels::apot
{

inline constexpr int kMaxExponent = 63 - kScaleExponentBias;
inline constexpr int kMinExponent = 1 - kScaleExponentBias;
inline constexpr int kMaxGap = 15;

inline constexpr unsigned kSign2 = 1U << 9;
inline constexpr unsigned kSign3 = 1U << 4;

SA_HOST_DEVICE inline unsigned gap2(PackedScale scale)
{
    return (scale >> 5) & 0xFU;
}

SA_HOST_DEVICE inline unsigned gap3(PackedScale scale)
{
    return scale & 0xFU;
}

/// round(log2 magnitude) for finite magnitude > 0. With magnitude = m * 2^p and 1 <= m < 2 the logarithm rounds up
/// exactly when m > sqrt(2). No double equals sqrt(2), so a tie cannot occur, and kSqrt2 (the double nearest to
/// sqrt(2)) lies above it with no double between: m >= kSqrt2 is that comparison without any rounding.
SA_HOST_DEVICE inline int roundedLog2(double magnitude)
{
    constexpr double kSqrt2 = 0x1.6A09E667F3BCDp+0;
    int exponent = 0;
    const double mantissa = 2.0 * std::frexp(magnitude, &exponent); // in [1, 2), magnitude = mantissa * 2^(exponent-1)
    return mantissa >= kSqrt2 ? exponent : exponent - 1;
}

SA_HOST_DEVICE inline PackedScale round(double value, int terms)
{
    if (!(value > 0.0) || terms < 1)
        return 0;
    // The subtractions below are exact (each residual is a multiple of value's last bit and smaller than value), except
    // far above 2^23, where every term saturates anyway.
    const int nearest = std::isinf(value) ? kMaxExponent : roundedLog2(value);
    const int e1 = nearest < kMaxExponent ? nearest : kMaxExponent;
    if (e1 < kMinExponent)
        return 0;
    unsigned word = static_cast<unsigned>(e1 + kScaleExponentBias) << 10;

    double residual = value - std::ldexp(1.0, e1);
    int previous = e1;
    for (int term = 2; term <= terms && term <= kMaxApotTerms && residual != 0.0; ++term) {
        const double magnitude = std::fabs(residual);
        const int wanted = std::isinf(magnitude) ? previous - 1 : roundedLog2(magnitude);
        const int e = wanted < previous ? wanted : previous - 1;
        const int gap = previous - e;
        if (gap > kMaxGap)
            break;
        const bool minus = residual < 0.0;
        const int shift = term == 2 ? 5 : 0;
        word |= static_cast<unsigned>(gap) << shift;
        if (minus)
            word |= term == 2 ? kSign2 : kSign3;
        residual -= std::ldexp(minus ? -1.0 : 1.0, e);
        previous = e;
    }
    return static_cast<PackedScale>(word);
}

SA_HOST_DEVICE inline double value(PackedScale scale)
{
    const int e = scale >> 10;
    if (e == 0)
        return 0.0;
    const int e1 = e - kScaleExponentBias;
    double sum = std::ldexp(1.0, e1);
    if (gap2(scale) == 0)
        return sum;
    const int e2 = e1 - static_cast<int>(gap2(scale));
    sum += std::ldexp((scale & kSign2) != 0 ? -1.0 : 1.0, e2);
    if (gap3(scale) == 0)
        return sum;
    return sum + std::ldexp((scale & kSign3) != 0 ? -1.0 : 1.0, e2 - static_cast<int>(gap3(scale)));
}

} // namespace sa::kernels::apot
