// SPDX-License-Identifier: GPL-3.0-or-later
// A scale as shifts: what has to be added to a float's bits for each term, and the shift of one activation that is right
// for every input. The vector code does the ordinary case alike, bit for bit, and comes here for the rest.
#pragma once

#include "sa/kernels/apot.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace sa::kernels::cpu {

struct ShiftScale {
    std::uint32_t addend[kMaxApotTerms] = {}; ///< added to x's bits gives the term: exponent * 2^23, and 2^31 for minus
    int exponent[kMaxApotTerms] = {};         ///< descending
    bool minus[kMaxApotTerms] = {};
    int terms = 0;                            ///< 0: alpha = 0

    int highest() const { return terms == 0 ? 0 : exponent[0]; }
    int lowest() const { return terms == 0 ? 0 : exponent[terms - 1]; }
};

inline ShiftScale shiftScale(PackedScale scale)
{
    ShiftScale s;
    const int e = scale >> 10;
    if (e == 0)
        return s;
    const auto append = [&s](int exponent, bool minus) {
        s.exponent[s.terms] = exponent;
        s.minus[s.terms] = minus;
        s.addend[s.terms++] = (static_cast<std::uint32_t>(exponent) << 23) + (minus ? 0x80000000U : 0U);
    };
    append(e - kScaleExponentBias, false);
    if (const int gap2 = (scale >> 5) & 15; gap2 != 0) {
        append(s.exponent[0] - gap2, ((scale >> 9) & 1) != 0);
        if (const int gap3 = scale & 15; gap3 != 0)
            append(s.exponent[1] - gap3, ((scale >> 4) & 1) != 0);
    }
    return s;
}

/// True when every term of alpha * x is a normal float, for biased exponents e of x in [lowestX, highestX].
inline bool ordinaryShift(const ShiftScale& s, int lowestX, int highestX)
{
    return lowestX >= 1 && highestX <= 254 && lowestX + s.lowest() >= 1 && highestX + s.highest() <= 254;
}

/// alpha * x for any x. Ordinary: one exponent add per term, terms added from the largest down. Otherwise (zero, subnormal,
/// a term out of float's range) the exact sum, rounded once, with gradual underflow. Infinity and NaN as in alpha * x.
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
        sum += s.minus[i] ? -term : term;
    }
    return static_cast<float>(sum);
}

} // namespace sa::kernels::cpu
