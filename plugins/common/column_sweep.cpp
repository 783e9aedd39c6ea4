// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/common/column_sweep.h"

#include <algorithm>
#include <numeric>
#include <string>

namespace plugins
{

namespace
{

constexpr std::int64_t kLazyColumns = 128; ///< errors of so many columns go into the columns behind them at once

std::size_t at(std::int64_t i)
{
    return static_cast<std::size_t>(i);
}

/// H + ridge in reversed sweep order: its lower factor, reversed again, is U with H = U U^T, and R = U^-1.
std::vector<double> reversed(const double* hessian, const SweepPlan& plan, double ridge)
{
    const std::int64_t K = plan.K;
    std::vector<double> out(at(K * K));
    for (std::int64_t i = 0; i < K; ++i) {
        const std::int64_t row = plan.order[at(K - 1 - i)];
        for (std::int64_t j = 0; j < K; ++j)
            out[at(i * K + j)] = hessian[row * K + plan.order[at(K - 1 - j)]];
        out[at(i * K + i)] = (plan.dead[at(row)] ? 1.0 : out[at(i * K + i)]) + ridge;
    }
    return out;
}

} // namespace

SweepPlan planSweep(const double* hessian, std::int64_t K, double damping, bool byEnergy, const Host& host)
{
    SweepPlan plan;
    plan.K = K;
    plan.order.resize(at(K));
    std::iota(plan.order.begin(), plan.order.end(), std::int64_t{0});
    if (byEnergy)
        std::stable_sort(plan.order.begin(), plan.order.end(),
                         [&](std::int64_t a, std::int64_t b) { return hessian[a * K + a] > hessian[b * K + b]; });
    plan.dead.resize(at(K));
    double mean = 0.0;
    for (std::int64_t k = 0; k < K; ++k) {
        plan.dead[at(k)] = hessian[k * K + k] == 0.0;
        mean += plan.dead[at(k)] ? 1.0 : hessian[k * K + k];
    }
    mean /= static_cast<double>(K);
    plan.damping = damping;
    for (int attempt = 0; attempt < 3; ++attempt, plan.damping *= 10.0) {
        std::vector<double> factor = reversed(hessian, plan, plan.damping * mean);
        if (!cholesky(factor, K, host))
            continue;
        const std::vector<double> inverse = invertLower(factor, K, host);
        plan.upper.resize(at(K * K));
        for (std::int64_t i = 0; i < K; ++i)
            for (std::int64_t j = 0; j < K; ++j)
                plan.upper[at(i * K + j)] = static_cast<float>(inverse[at((K - 1 - i) * K + K - 1 - j)]);
        if (attempt > 0)
            host.log("the Hessian needed more damping (" + std::to_string(plan.damping) + ")");
        return plan;
    }
    throw shiftadd::Failure(SHIFTADD_BAD_INPUT,
                            "its Hessian cannot be factored, even with a hundredfold of the damping");
}

std::vector<float> withoutDeadColumns(const float* weight, std::int64_t N, const SweepPlan& plan)
{
    std::vector<float> out(weight, weight + N * plan.K);
    for (std::int64_t n = 0; n < N; ++n)
        for (std::int64_t k = 0; k < plan.K; ++k)
            if (plan.dead[at(k)])
                out[at(n * plan.K + k)] = 0.0f;
    return out;
}

std::vector<float> sweepColumns(const std::vector<float>& weight, std::int64_t N, const SweepPlan& plan,
                                const Nearest& nearest, const Host& host)
{
    const std::int64_t K = plan.K;
    std::vector<float> out(weight.size());
    host.parallelFor(rowPieces(N), [&](std::int64_t piece) {
        const std::int64_t first = piece * kRowsPerPiece, rows = std::min(kRowsPerPiece, N - first);
        std::vector<float> W(at(rows * K)), errors(at(rows * kLazyColumns));
        for (std::int64_t r = 0; r < rows; ++r)
            for (std::int64_t k = 0; k < K; ++k)
                W[at(r * K + k)] = weight[at((first + r) * K + plan.order[at(k)])];
        for (std::int64_t begin = 0; begin < K; begin += kLazyColumns) {
            if (host.cancelled())
                return;
            const std::int64_t end = std::min(K, begin + kLazyColumns);
            for (std::int64_t r = 0; r < rows; ++r) {
                float* row = W.data() + r * K;
                for (std::int64_t j = begin; j < end; ++j) {
                    const float* R = plan.upper.data() + j * K;
                    const float value = nearest(first + r, plan.order[at(j)], row[j]);
                    const float error = (row[j] - value) / R[j];
                    out[at((first + r) * K + plan.order[at(j)])] = value;
                    errors[at(r * kLazyColumns + j - begin)] = error;
                    for (std::int64_t k = j + 1; k < end; ++k)
                        row[k] -= error * R[k];
                }
            }
            addProduct(-1.0f, errors.data(), kLazyColumns, plan.upper.data() + begin * K + end, K, W.data() + end, K,
                       rows, end - begin, K - end);
        }
    });
    host.checkCancelled();
    return out;
}

} // namespace plugins
