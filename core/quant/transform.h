// SPDX-License-Identifier: GPL-3.0-or-later
// The change of basis in which a group of layers with one input is quantized (docs/FORMAT.md; ShiftAddLLM's incoherence
// processing, algorithm 3.5, with rotations made of adds so that it can run): x' = Q_in (x * 2^e), y = Q_out^T y'. The
// weight becomes W' = Q_out W diag(2^-e) Q_in^T, the Hessian H' = T H T^T with T = Q_in diag(2^e).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace sa
{

/// Q x for every row of x, [M, n], of any float type on any device (kernels/rotation.h is the same for float on the
/// CPU, and what runs later).
at::Tensor rotateRows(const at::Tensor& x, std::uint64_t seed);

struct InputTransform {
    std::vector<std::int8_t> exponents;    ///< [K] or empty
    std::optional<std::uint64_t> rotation; ///< seed

    at::Tensor ofWeight(const at::Tensor& weight) const;    ///< [N, K] -> W diag(2^-e) Q_in^T
    at::Tensor ofSecondMoment(const at::Tensor& sum) const; ///< [K, K], sum y x^T -> T sum T^T
};

/// Exponents that balance what a column's activations and weights contribute: 2^-e is near (h_k / w_k^2)^(1/4) with h =
/// diag(H) and w_k the norm of column k over all `weights` (f32 [N, K] each), relative to the median column. Then equal
/// errors in all weights cost least (the rescaling of QuIP, Chee et al., 2023, in powers of two). Only columns that are
/// off by a factor of 2^threshold or more are touched; empty when there are none.
std::vector<std::int8_t> balancingExponents(const at::Tensor& hessian, const std::vector<at::Tensor>& weights,
                                            double threshold);

} // namespace sa
