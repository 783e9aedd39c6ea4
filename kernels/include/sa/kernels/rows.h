// SPDX-License-Identifier: GPL-3.0-or-later
// Dense rows against one vector: what a step of one token has beside its packed layers (keys and values of the past,
// the head, layers left as they were). CPU, dispatched at run time to the best vector unit.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sa::kernels
{

enum class Element { F32, F16, BF16, I8 };

/// out[r] = sum_k rows[r, k] * x[k] for rows [count][K] of `element`, widened exactly. Each sum is taken in an order
/// that depends on K and the vector unit alone. float32 sums in 16 to 32 parts.
void rowDots(const void* rows, Element element, std::int64_t count, std::int64_t K, const float* x,
             float* out) noexcept;

/// out[k] = sum_r weights[r] * rows[r, k] for rows f32 [count][K], r ascending.
void weightedRowSum(const float* rows, std::int64_t count, std::int64_t K, const float* weights, float* out) noexcept;

} // namespace sa::kernels
