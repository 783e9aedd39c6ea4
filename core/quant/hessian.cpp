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
/// Rows of H summed as one piece. Constants, so that threads do not change the sums; a device wants large products.
constexpr std::int64_t kTile = 128, kDeviceTile = 2048;

/// Calls sum(begin, end) for every tile of the columns of x, [tokens, K].
void forEachTile(const at::Tensor& x, const std::function<void(std::int64_t, std::int64_t)>& sum)
{
    const std::int64_t K = x.size(1), width = x.is_cpu() ? kTile : kDeviceTile;
    const auto tile = [&](std::int64_t i) { sum(i * width, std::min(K, (i + 1) * width)); };
    const std::int64_t tiles = (K + width - 1) / width;
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
    at::Tensor out = m_upper.triu();
    return out.add_(out.triu(1).t());
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
    return m_sum;
}

/// Lower Cholesky factor of a symmetric f64 matrix; undefined when there is none.
at::Tensor lowerFactor(const at::Tensor& matrix)
{
    const auto [lower, failed] = at::linalg_cholesky_ex(matrix);
    return failed.item<int>() == 0 ? lower : at::Tensor();
}

at::Tensor driftCorrection(const at::Tensor& cross, const at::Tensor& hessian, double ridge)
{
    at::Tensor damped = hessian.clone();
    damped.diagonal().add_(ridge);
    const at::Tensor lower = lowerFactor(damped);
    damped.reset(); // at the widest inputs of large models each of these is a gigabyte
    if (!lower.defined())
        return {};
    return at::cholesky_solve((cross - hessian).t(), lower).t().to(at::kFloat).contiguous();
}

Result<SweepFactor> factorize(const at::Tensor& hessian, std::int64_t columnsPerScale, double percdamp)
{
    const std::int64_t K = hessian.size(0);
    SweepFactor out;
    const at::Tensor diagonal = hessian.diagonal().cpu().contiguous();
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

    at::Tensor permutedDiagonal = diagonal.index_select(0, out.permutation);
    out.permutation = out.permutation.to(hessian.device());
    at::Tensor H = hessian.index_select(0, out.permutation).index_select(1, out.permutation).contiguous();
    out.hessian = H.to(at::kFloat);
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
    // Matrices are dropped as soon as they are used up: at the widest inputs each is a gigabyte.
    const double mean = permutedDiagonal.mean().item<double>();
    for (out.damping = percdamp; out.damping <= percdamp * 101; out.damping *= 10) {
        at::Tensor reversed = H.flip({0, 1});
        reversed.diagonal().add_(out.damping * mean);
        at::Tensor lower = lowerFactor(reversed);
        reversed.reset();
        if (!lower.defined())
            continue;
        const at::Tensor U = lower.flip({0, 1});
        lower.reset();
        const at::Tensor R = at::linalg_solve_triangular(U, at::eye(K, H.options()), /*upper=*/true);
        if (!at::isfinite(R.sum()).item<bool>())
            continue;
        out.upper = R.to(at::kFloat).contiguous();
        out.ridge = out.damping * mean;
        return out;
    }
    out.dataFree = true;
    out.upper = at::eye(K, out.hessian.options());
    return out;
}

} // namespace sa
