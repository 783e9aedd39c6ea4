// SPDX-License-Identifier: GPL-3.0-or-later
// The least squares of a group's scales (algorithm 1.3), at most 4 x 4, for the CPU and for CUDA kernels alike.
#pragma once

#include "core/quant/bcq.h"

#include <cmath>
#include <utility>

namespace sa
{

using Scales = std::array<double, kMaxPlanes>;

/// The normal equations of the scales for given codes: G alpha = h with G = B^T B, h = B^T w.
struct NormalEquations {
    std::array<std::array<double, kMaxPlanes>, kMaxPlanes> G{}; ///< on and below the diagonal
    Scales h{};

    SA_HOST_DEVICE void add(std::uint8_t code, double count, double sum, int q)
    {
        for (int i = 0; i < q; ++i) {
            const double si = (code >> i) & 1 ? 1.0 : -1.0;
            h[i] += si * sum;
            for (int j = 0; j <= i; ++j)
                G[i][j] += si * ((code >> j) & 1 ? count : -count);
        }
    }
    SA_HOST_DEVICE double residual(double sumOfSquares, const Scales& alpha, int q) const
    {
        double value = sumOfSquares;
        for (int i = 0; i < q; ++i) {
            value -= 2.0 * alpha[i] * h[i];
            for (int j = 0; j <= i; ++j)
                value += (i == j ? 1.0 : 2.0) * alpha[i] * alpha[j] * G[i][j];
        }
        return value;
    }
    /// Cholesky with a ridge of 1e-8 of the diagonal: planes that agree everywhere make G singular.
    SA_HOST_DEVICE Scales solve(int q) const
    {
        auto L = G;
        for (int i = 0; i < q; ++i) {
            for (int j = 0; j <= i; ++j) {
                double value = G[i][j] * (i == j ? 1.0 + 1e-8 : 1.0);
                for (int k = 0; k < j; ++k)
                    value -= L[i][k] * L[j][k];
                const double floor = G[i][i] * 1e-10;
                L[i][j] = i == j ? std::sqrt(value < floor ? floor : value) : value / L[j][j];
            }
        }
        Scales x = h;
        for (int i = 0; i < q; ++i) {
            for (int k = 0; k < i; ++k)
                x[i] -= L[i][k] * x[k];
            x[i] /= L[i][i];
        }
        for (int i = q - 1; i >= 0; --i) {
            for (int k = i + 1; k < q; ++k)
                x[i] -= L[k][i] * x[k];
            x[i] /= L[i][i];
        }
        return x;
    }
};

SA_HOST_DEVICE inline void sortDescending(Scales& alpha, int q)
{
    for (int i = 1; i < q; ++i)
        for (int j = i; j > 0; --j)
            if (alpha[j] > alpha[j - 1])
                std::swap(alpha[j], alpha[j - 1]);
}

} // namespace sa
