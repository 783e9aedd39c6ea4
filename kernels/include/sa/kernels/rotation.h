// SPDX-License-Identifier: GPL-3.0-or-later
// The transforms of activations (docs/FORMAT.md): a power-of-two factor per channel, and a rotation of sign flips and
// normalised Walsh-Hadamard matrices. Exponent adds, sign flips, additions and subtractions; nothing is multiplied.
//
// The rotation Q of n channels: signs first, then windows of b = 4^j channels, the largest such b <= n, at offsets 0,
// b, 2b, ... with the last window moved back to end at n. A window is multiplied by the b x b Walsh-Hadamard matrix
// (natural order) over sqrt(b), which is a power of two. Windows may overlap and are applied in ascending order; every
// step is orthogonal, and so is Q.
#pragma once

#include "sa/kernels/status.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sa::kernels
{

/// b: the largest power of four that is at most n; n >= 1.
int rotationWindow(int n) noexcept;

/// Sign flips from a seed. Word t holds channels 32t .. 32t+31, bit 1 flips; words are the low and then the high half
/// of splitmix64's outputs (Steele et al., 2014: state += 0x9E3779B97F4A7C15 before each), unused bits are 0. words:
/// [ceil(n/32)].
void rotationSigns(std::uint64_t seed, int n, std::uint32_t* words) noexcept;
std::vector<std::uint32_t> rotationSigns(std::uint64_t seed, int n);

/// Rows of x become Q x, in place. x: [M], `stride` floats from one row to the next; signs: as rotationSigns writes.
/// Same bits on every processor. BadShape, BadPointer.
Status rotate(const std::uint32_t* signs, int n, float* x, int M, std::ptrdiff_t stride) noexcept;
/// Rows of x become Q^T x = Q^-1 x.
Status rotateBack(const std::uint32_t* signs, int n, float* x, int M, std::ptrdiff_t stride) noexcept;

/// x[m, k] becomes x[m, k] * 2^(direction * exponents[k]); exact but for overflow to infinity and gradual underflow.
/// direction: 1 or -1.
Status shiftChannels(const std::int8_t* exponents, int direction, int n, float* x, int M,
                     std::ptrdiff_t stride) noexcept;

} // namespace sa::kernels
