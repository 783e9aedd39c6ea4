// SPDX-License-Identifier: GPL-3.0-or-later
// The layer Hessian H = sum x x^T over calibration tokens (algorithm 3.1, 3.2) and its factor for the column sweep.
#pragma once

#include "core/base/result.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace sa
{

/// Sums x x^T: float32 products over one batch, float64 between batches. Same bits for any number of threads on the
/// CPU.
class HessianAccumulator
{
public:
    explicit HessianAccumulator(std::int64_t K, at::Device device = at::kCPU);
    void add(const at::Tensor& x); ///< f32 [tokens, K]
    at::Tensor matrix() const;     ///< f64 [K, K], symmetric; divided by nothing (scale does not matter)

private:
    at::Tensor m_upper; ///< f64 [K, K]; only the tiles on and above the diagonal are kept up
};

/// Sums y x^T, y being what the input would be in the original model where x is what it is behind quantized layers.
class CrossAccumulator
{
public:
    explicit CrossAccumulator(std::int64_t K, at::Device device = at::kCPU);
    void add(const at::Tensor& y, const at::Tensor& x); ///< f32 [tokens, K] each
    at::Tensor matrix() const;                          ///< f64 [K, K]; what `add` goes on to change

private:
    at::Tensor m_sum;
};

/// M such that W + W M is the least-squares map from x to W y: M = (C - H)(H + ridge)^-1 with C = sum y x^T, H = sum x
/// x^T (the asymmetric calibration of GPTAQ, Li et al., 2025, as a change of the target). f32 [K, K]; Undefined when H
/// cannot be factored.
at::Tensor driftCorrection(const at::Tensor& cross, const at::Tensor& hessian, double ridge);

/// A run of columns that share their scales and stay together when columns are reordered.
struct ColumnBlock {
    std::int64_t begin = 0, count = 0;
};

/// What a sweep over one input needs; layers that read the same input share it.
struct SweepFactor {
    std::vector<ColumnBlock> order; ///< blocks of C columns, by falling sum of diag(H): act-order (3.4)
    at::Tensor permutation;         ///< i64 [K]: sweep position -> original column
    at::Tensor hessian;             ///< f32 [K, K], permuted, undamped
    at::Tensor upper;               ///< f32 [K, K], permuted: upper R with (H + damping)^-1 = R^T R
    std::vector<std::int64_t> dead; ///< sweep positions of inputs that are always 0
    double damping = 0;             ///< fraction of mean(diag) that was finally used
    double ridge = 0;               ///< the same in absolute terms: what was added to the diagonal
    bool dataFree = false;          ///< H could not be factored at any damping: the sweep goes without it
};

/// Damping ladder: percdamp, x10, x100, then data-free. On H's device, where the factor's tensors are too. BadInput
/// when H is not finite.
Result<SweepFactor> factorize(const at::Tensor& hessian, std::int64_t columnsPerScale, double percdamp);

} // namespace sa
