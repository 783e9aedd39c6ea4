// SPDX-License-Identifier: GPL-3.0-or-later
// RowGroup::refitScales for every row group of a column block, one thread block each.
#pragma once

#include "core/quant/cuda/fit_kernel.cuh"

namespace sa::cuda
{

/// The objective as a function of a change d of the scales: d^T A d + 2 b^T d.
template<int Q> struct ScaleObjective {
    static constexpr int kCount = Q + Q * (Q + 1) / 2;
    double A[Q][Q], b[Q];

    __device__ explicit ScaleObjective(const double* totals)
    {
        int place = Q;
#pragma unroll
        for (int p = 0; p < Q; ++p) {
            b[p] = totals[p];
#pragma unroll
            for (int s = 0; s <= p; ++s)
                A[p][s] = A[s][p] = totals[place++];
        }
    }
    __device__ double operator()(const double (&d)[Q]) const
    {
        double value = 0.0;
#pragma unroll
        for (int p = 0; p < Q; ++p) {
            value += 2.0 * b[p] * d[p];
#pragma unroll
            for (int s = 0; s < Q; ++s)
                value += A[p][s] * d[p] * d[s];
        }
        return value;
    }
};

/// Plane by plane to the nearest power-of-two sum that helps, until nothing does; false when nothing did, or when the
/// scales lost their order.
template<int Q>
__device__ bool descendScales(const ScaleObjective<Q>& objective, int terms, kernels::PackedScale (&words)[Q],
                              Scales& values)
{
    double start[Q], d[Q] = {}, best = 0.0;
#pragma unroll
    for (int p = 0; p < Q; ++p)
        start[p] = kernels::apot::value(words[p]);
    for (bool moved = true; moved;) {
        moved = false;
#pragma unroll
        for (int p = 0; p < Q; ++p) {
            if (!(objective.A[p][p] > 0.0))
                continue;
            double slope = objective.b[p];
#pragma unroll
            for (int s = 0; s < Q; ++s)
                slope += objective.A[p][s] * d[s];
            const auto candidate = kernels::apot::round(start[p] + d[p] - slope / objective.A[p][p], terms);
            const double before = d[p];
            d[p] = kernels::apot::value(candidate) - start[p];
            const double value = objective(d);
            if (candidate != words[p] && value < best - 1e-9 * std::fabs(best)) {
                best = value;
                words[p] = candidate;
                moved = true;
            } else {
                d[p] = before;
            }
        }
    }
    bool falling = true;
#pragma unroll
    for (int p = 0; p < Q; ++p) {
        values[p] = kernels::apot::value(words[p]);
        falling = falling && (p == 0 || values[p] <= values[p - 1]);
    }
    return best < 0.0 && falling;
}

template<int Q> __device__ void refitGroup(const SweepArrays& a, const BlockPlace& block, int terms)
{
    constexpr int kCount = ScaleObjective<Q>::kCount;
    __shared__ double totals[kCount], sorted[1 << Q];
    __shared__ GridStorage storage;
    BcqGrid& grid = storage.grid();
    const GroupItems items(a, block);
    double mine[kCount] = {};
    items.forEach([&](int column, std::int64_t row) {
        const std::uint8_t* codes = a.codes + block.begin * a.rows + row;
        const float* hessian = a.matrix + (block.begin + column) * a.K + block.begin;
        const double gradient = a.active[column * a.rows + row];
        const unsigned code = codes[column * a.rows];
        double product[Q] = {}; // of the Hessian's row with the codes of this row
        for (int j = 0; j < items.columns; ++j) {
            const double h = hessian[j] + (j == column ? a.ridge : 0.0);
            const unsigned other = codes[j * a.rows];
#pragma unroll
            for (int s = 0; s < Q; ++s)
                product[s] += (other >> s) & 1 ? h : -h;
        }
        int place = Q;
#pragma unroll
        for (int p = 0; p < Q; ++p) {
            const bool plus = (code >> p) & 1;
            mine[p] += plus ? gradient : -gradient;
#pragma unroll
            for (int s = 0; s <= p; ++s)
                mine[place++] += plus ? product[s] : -product[s];
        }
    });
    blockSum(mine, totals);
    if (threadIdx.x >= kWarp)
        return;
    BcqGrid& target = a.grids[block.index * a.groups + blockIdx.x];
    kernels::PackedScale words[Q];
#pragma unroll
    for (int b = 0; b < Q; ++b)
        words[b] = target.scales[b];
    Scales values{};
    if (!descendScales<Q>(ScaleObjective<Q>(totals), terms, words, values))
        return;
    makeGridByWarp<Q>(words, values, grid, sorted);
    if (threadIdx.x == 0)
        target = grid;
}

} // namespace sa::cuda
