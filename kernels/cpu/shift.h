// SPDX-License-Identifier: GPL-3.0-or-later
// A scale as shifts: what has to be added to a float's bits for each term, and the shift of one activation that is
// right for every input. The vector code does the ordinary case alike, bit for bit, and comes here for the rest.
#pragma once

#include "sa/kernels/apot.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace sa::kernels::cpu
{

struct ShiftScale {
    std::uint32_t addend[kMaxApotTerms]; ///< added to x's bits gives the term: exponent * 2^23, and 2^31 for minus
    int exponent[kMaxApotTerms];         ///< descending; an absent term repeats its predecessor's
    int terms;                           ///< how many of them count; 0: alpha = 0

    int highest() const { return exponent[0]; }
    int lowest() const { return exponent[kMaxApotTerms - 1]; }
};

/// Branch-free: a vector of activations is shifted in a few instructions more than this takes.
inline ShiftScale shiftScale(PackedScale scale)
{
    const std::uint32_t word = scale;
    const int e1 = static_cast<int>(word >> 10) - kScaleExponentBias;
    const int e2 = e1 - static_cast<int>((word >> 5) & 15U);
    const int e3 = e2 - static_cast<int>(word & 15U);
    const auto addend = [](int exponent, std::uint32_t minus) {
        return (static_cast<std::uint32_t>(exponent) << 23) + (minus << 31);
    };
    const int second = e2 != e1 ? 1 : 0;
    const int third = e3 != e2 ? second : 0;
    return {{addend(e1, 0), addend(e2, (word >> 9) & 1U), addend(e3, (word >> 4) & 1U)},
            {e1, e2, e3},
            word >> 10 == 0 ? 0 : 1 + second + third};
}

/// True when every term of alpha * x and every sum of terms is a normal float, for biased exponents of x in [lowestX,
/// highestX]; 253 and not 254, since the first two terms may add up to almost twice the first.
inline bool ordinaryShift(const ShiftScale& s, int lowestX, int highestX)
{
    return lowestX >= 1 && highestX <= 254 && lowestX + s.lowest() >= 1 && highestX + s.highest() <= 253;
}

/// alpha * x for any x. Ordinary: one exponent add per term, terms added from the largest down. Otherwise (zero,
/// subnormal, a term out of float's range) the exact sum, rounded once, with gradual underflow. Infinity and NaN as in
/// alpha * x.
inline float shifted(float x, const ShiftScale& s)
{
    const auto bits = std::bit_cast<std::uint32_t>(x);
    const int e = static_cast<int>((bits >> 23) & 0xFFU);
    if (e == 255)
        return s.terms != 0 ? x : std::numeric_limits<float>::quiet_NaN();
    if (s.terms == 0 || x == 0.0F)
        return 0.0F;
    if (ordinaryShift(s, e, e)) {
        float sum = std::bit_cast<float>(bits + s.addend[0]);
        for (int i = 1; i < s.terms; ++i)
            sum += std::bit_cast<float>(bits + s.addend[i]);
        return sum;
    }
    double sum = 0.0;
    for (int i = 0; i < s.terms; ++i) {
        const double term = std::ldexp(static_cast<double>(x), s.exponent[i]);
        const bool minus = s.addend[i] != static_cast<std::uint32_t>(s.exponent[i]) << 23;
        sum += minus ? -term : term;
    }
    return static_cast<float>(sum);
}

} // namespace sa::kernels::cpu
