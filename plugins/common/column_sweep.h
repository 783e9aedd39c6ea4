// SPDX-License-Identifier: GPL-3.0-or-later
// The OPTQ sweep (Frantar et al., ICLR 2023): columns in order, the error of each pushed into those not yet quantized.
// With H^-1 = R^T R, R upper:  e = (w_j - w^_j) / R_jj,  w_k -= e R_jk for k > j.
#pragma once

#include "plugins/common/linalg.h"

#include <functional>

namespace plugins
{

/// What a sweep needs of one input; layers that read it share it.
struct SweepPlan {
    std::int64_t K = 0;
    std::vector<std::int64_t> order; ///< sweep position -> column
    std::vector<bool> dead;          ///< by column: the input is always 0, the weight is of no consequence
    std::vector<float> upper;        ///< R [K][K] in sweep order
    double damping = 0;              ///< the share of the mean diagonal that was finally added
};

/// Adds damping * mean(diag H) to the diagonal; ten and a hundred times as much where that does not suffice.
/// `byEnergy`: columns in order of falling diag H (act-order). Throws BAD_INPUT when H cannot be factored at all.
SweepPlan planSweep(const double* hessian, std::int64_t K, double damping, bool byEnergy, const Host& host);

/// w^ = nearest(row, column, w), column in the original order.
using Nearest = std::function<float(std::int64_t row, std::int64_t column, float w)>;

/// The weight with its dead columns set to 0: what grids are made from.
std::vector<float> withoutDeadColumns(const float* weight, std::int64_t N, const SweepPlan& plan);

/// W^ [N][K] of `weight` [N][K]. Rows are independent; pieces of them run in parallel.
std::vector<float> sweepColumns(const std::vector<float>& weight, std::int64_t N, const SweepPlan& plan,
                                const Nearest& nearest, const Host& host);

} // namespace plugins
