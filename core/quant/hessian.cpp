// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/hessian.h"

#include "core/base/parallel.h"

#include <ATen/ATen.h>
#include <algorithm>
#include <functional>
#include <numeric>

namespace sa
{

namespace
{
constexpr std::int64_t kTile =
    128; ///< rows of H summed as one piece; a constant, so that threads do not change the sums

/// Calls sum(begin, end) for every run of kTile columns of x, [tokens, K].
void forEachTile(const at::Tensor& x, const std::function<void(std::int64_t, std::int64_t)>& sum)
{
    const std::int64_t K = x.size(1);
    const auto tile = [&](std::int64_t i) { sum(i * kTile, std::min(K, (i + 1) * kTile)); };
    const std::int64_t tiles = (K + kTile - 1) / kTile;
    if (!x.is_cpu())
        for (std::int64_t i = 0; i < tiles; ++i)
            tile(i);
    else
        parallelFor(tiles, tile);
}

} // namespace

HessianAccumulator::HessianAccumulator(std::int64_t K, at::Device device)
    : m_upper(at::zeros({K, K}, at::TensorOptions().dtype(at::kDouble).device(device)))
{
}

void HessianAccumulator::add(const at::Tensor& x)
{
    const at::Tensor xt = x.t();
    forEachTile(x, [&](std::int64_t begin, std::int64_t end) {
        m_upper.slice(0, begin, end).slice(1, begin).add_(at::mm(xt.slice(0, begin, end), x.slice(1, begin)));
    });
}

at::Tensor HessianAccumulator::matrix() const
{
    const at::Tensor upper = m_upper.to(at::kCPU).triu();
    return upper + upper.triu(1).t();
}

CrossAccumulator::CrossAccumulator(std::int64_t K, at::Device device)
    : m_sum(at::zeros({K, K}, at::TensorOptions().dtype(at::kDouble).device(device)))
{
}

void CrossAccumulator::add(const at::Tensor& y, const at::Tensor& x)
{
    const at::Tensor yt = y.t();
    forEachTile(x, [&](std::int64_t begin, std::int64_t end) {
        m_sum.slice(0, begin, end).add_(at::mm(yt.slice(0, begin, end), x));
    });
}

at::Tensor CrossAccumulator::matrix() const
{
    return m_sum.to(at::kCPU);
}

at::Tensor driftCorrection(const at::Tensor& cross, const at::Tensor& hessian, double ridge)
{
    const at::Tensor damped = hessian + at::eye(hessian.size(0), hessian.options()) * ridge;
    const auto [lower, failed] = at::linalg_cholesky_ex(damped);
    if (failed.item<int>() != 0)
        return {};
    return at::cholesky_solve((cross - hessian).t(), lower).t().to(at::kFloat).contiguous();
}

Result<SweepFactor> factorize(const at::Tensor& hessian, std::int64_t columnsPerScale, double percdamp)
{
    const std::int64_t K = hessian.size(0);
    SweepFactor out;
    at::Tensor diagonal = hessian.diagonal().contiguous();
    if (!at::isfinite(diagonal).all().item<bool>())
        return makeError(Errc::BadInput, "the activations of the calibration text are not finite")
            .tryThis("The weights are damaged, or the model overflows in float32");

    const auto* diag = diagonal.data_ptr<double>();
    std::vector<double> score;
    for (std::int64_t begin = 0; begin < K; begin += columnsPerScale) {
        const std::int64_t count = std::min(columnsPerScale, K - begin);
        out.order.push_back({begin, count});
        score.push_back(std::accumulate(diag + begin, diag + begin + count, 0.0));
    }
    std::vector<std::size_t> rank(out.order.size());
    std::iota(rank.begin(), rank.end(), std::size_t{0});
    std::stable_sort(rank.begin(), rank.end(), [&](std::size_t a, std::size_t b) { return score[a] > score[b]; });
    std::vector<ColumnBlock> sorted;
    for (const auto i : rank)
        sorted.push_back(out.order[i]);
    out.order = std::move(sorted);

    out.permutation = at::empty({K}, at::kLong);
    auto* position = out.permutation.data_ptr<std::int64_t>();
    for (const auto& block : out.order)
        for (std::int64_t i = 0; i < block.count; ++i)
            *position++ = block.begin + i;

    at::Tensor H = hessian.index_select(0, out.permutation).index_select(1, out.permutation).contiguous();
    out.hessian = H.to(at::kFloat);
    at::Tensor permutedDiagonal = H.diagonal().contiguous();
    auto* entries = permutedDiagonal.data_ptr<double>();
    for (std::int64_t i = 0; i < K; ++i) {
        if (entries[i] == 0.0) {
            out.dead.push_back(i);
            entries[i] = 1.0;
        }
    }
    H.diagonal().copy_(permutedDiagonal);

    // H = U U^T with U upper is the Cholesky factorization of H with rows and columns reversed; then H^-1 = R^T R with
    // R = U^-1: one factorization and one triangular inverse where the paper's order takes two and a full inverse.
    const double mean = permutedDiagonal.mean().item<double>();
    const at::Tensor eye = at::eye(K, H.options());
    for (out.damping = percdamp; out.damping <= percdamp * 101; out.damping *= 10) {
        const at::Tensor reversed = (H + eye * (out.damping * mean)).flip({0, 1}).contiguous();
        const auto [lower, failed] = at::linalg_cholesky_ex(reversed);
        if (failed.item<int>() != 0)
            continue;
        const at::Tensor U = lower.flip({0, 1});
        const at::Tensor R = at::linalg_solve_triangular(U, eye, /*upper=*/true);
        if (!at::isfinite(R).all().item<bool>())
            continue;
        out.upper = R.to(at::kFloat).contiguous();
        out.ridge = out.damping * mean;
        return out;
    }
    out.dataFree = true;
    out.upper = at::eye(K, at::kFloat);
    return out;
}

} // namespace sa
