// SPDX-License-Identifier: GPL-3.0-or-later
// Additive power-of-two scales (ShiftAddLLM, section 4.1 and algorithm 2.1): alpha = 2^e1 [+-2^e2 [+-2^e3]], e1 > e2 >
// e3, in 16 bits. Greedy on the residual, as the paper; the first term of a scale is never negative (signs live in the
// codes).
#pragma once

#include <cstdint>

namespace sa::kernels
{

/// bits 15..10  E:  0 means alpha = 0 (the whole word is 0), otherwise e1 = E - 40, so e1 in -39..23
/// bit  9       sign of term 2 (1 = minus);  bits 8..5  g2: 0 = no term 2 (and no term 3), else e2 = e1 - g2
/// bit  4       sign of term 3 (1 = minus);  bits 3..0  g3: 0 = no term 3, else e3 = e2 - g3
using PackedScale = std::uint16_t;

inline constexpr int kScaleExponentBias = 40;
inline constexpr int kMaxApotTerms = 3;

/// Packed scale by the paper's greedy rule: each term is sign * 2^round(log2|residual|); `terms` in 1..3. value <= 0,
/// NaN
/// -> 0. Exponents saturate: the first at 23, each later one below its predecessor, so that beyond the largest code the
/// largest code results; a first exponent under -39 gives zero; a term more than 15 below its predecessor is dropped.
/// Exact: log2|r| rounds up when |r| > 2^(p + 1/2), which no double equals, so there are no ties and log2 is never
/// computed; every machine gives the same word. Rounding the value of a word that it wrote gives that value again.
PackedScale apotRound(double value, int terms) noexcept;
/// Exact: at most 31 significant bits, so double always holds it.
double apotValue(PackedScale scale) noexcept;
/// True when decoding the fields and packing them again gives the same word: 0, or E > 0 with nothing set behind an
/// absent term. All that apotRound writes passes; so does any other sum of this form that another method may prefer.
bool apotValid(PackedScale scale) noexcept;

} // namespace sa::kernels
