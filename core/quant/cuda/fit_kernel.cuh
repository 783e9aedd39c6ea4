// SPDX-License-Identifier: GPL-3.0-or-later
// BcqFitter::fit for every row group of a column block, one thread block each. Where the CPU sorts a group and then
// looks borders up, the threads compare every value with the at most 15 borders: the group may have any size, and
// nothing has to be sorted.
#pragma once

#include "core/quant/cuda/grid.cuh"
#include "core/quant/cuda/sweep_kernels.h"

namespace sa::cuda
{

/// The values of a row group in a column block, dealt to the threads of a block.
struct GroupItems {
    std::int64_t rowBegin;
    int rows, columns;

    __device__ GroupItems(const SweepArrays& a, const BlockPlace& block)
        : rowBegin(a.groupBegin[blockIdx.x])
        , rows(static_cast<int>(a.groupBegin[blockIdx.x + 1] - rowBegin))
        , columns(static_cast<int>(block.count))
    {
    }
    /// body(column within the block, row) for this thread's share.
    template<typename Body> __device__ void forEach(Body body) const
    {
        int column = 0;
        for (int row = threadIdx.x;; row += blockDim.x) {
            while (row >= rows) {
                row -= rows;
                if (++column >= columns)
                    return;
            }
            body(column, rowBegin + row);
        }
    }
};

/// h and the part of G below the diagonal, as sums over threads.
template<int Q> struct EquationSums {
    static constexpr int kCount = Q + Q * (Q - 1) / 2;
    double sums[kCount] = {};

    __device__ void add(unsigned code, double weight, double weighted)
    {
        int place = Q;
#pragma unroll
        for (int i = 0; i < Q; ++i) {
            const bool plus = (code >> i) & 1;
            sums[i] += plus ? weighted : -weighted;
#pragma unroll
            for (int j = 0; j < i; ++j)
                sums[place++] += plus == (((code >> j) & 1) != 0) ? weight : -weight;
        }
    }
    __device__ static NormalEquations equations(const double* totals, double totalWeight)
    {
        NormalEquations out;
        int place = Q;
#pragma unroll
        for (int i = 0; i < Q; ++i) {
            out.h[i] = totals[i];
            out.G[i][i] = totalWeight;
#pragma unroll
            for (int j = 0; j < i; ++j)
                out.G[i][j] = totals[place++];
        }
        return out;
    }
};

/// One group: the block's threads call everything together; decisions are taken by the first warp.
template<int Q> __device__ void fitGroup(const SweepArrays& a, const BlockPlace& block, int rounds, int terms)
{
    using Equations = EquationSums<Q>;
    __shared__ GridStorage storage[2];
    BcqGrid &grid = storage[0].grid(), &best = storage[1].grid();
    __shared__ double sorted[1 << Q], totals[Equations::kCount], start[2], magnitude[1];
    __shared__ bool stop;
    const GroupItems items(a, block);
    const float* columnWeights = a.columnWeights + block.begin;

    // Greedy start (1.2): each plane takes the signs of what is left, sign(0) = +1.
    Scales alpha{};
    const auto residual = [&](float value, int planes, unsigned& code) {
        code = 0;
#pragma unroll
        for (int b = 0; b < Q; ++b) {
            if (b >= planes)
                break;
            const bool plus = value >= 0.0f;
            code |= plus ? 1u << b : 0u;
            value -= static_cast<float>(plus ? alpha[b] : -alpha[b]);
        }
        return value;
    };
    double moments[2] = {0.0, 0.0};
    items.forEach([&](int column, std::int64_t row) {
        const double w = a.active[column * a.rows + row], f = columnWeights[column];
        moments[0] += f;
        moments[1] += f * w * w;
    });
    blockSum(moments, start);
    const double totalWeight = start[0], sumOfSquares = start[1];
    unsigned code = 0;
#pragma unroll
    for (int b = 0; b < Q; ++b) {
        double sum[1] = {0.0};
        items.forEach([&](int column, std::int64_t row) {
            const float rest = residual(a.active[column * a.rows + row], b, code);
            sum[0] += static_cast<double>(columnWeights[column]) * std::fabs(rest);
        });
        blockSum(sum, magnitude);
        alpha[b] = magnitude[0] / totalWeight;
        __syncthreads();
    }
    Equations mine;
    items.forEach([&](int column, std::int64_t row) {
        const float w = a.active[column * a.rows + row];
        const double f = columnWeights[column];
        residual(w, Q, code);
        mine.add(code, f, f * w);
    });
    blockSum(mine.sums, totals);

    // The greedy scales themselves are round 0, so that T = 0 still yields power-of-two scales.
    double bestError = INFINITY;
    kernels::PackedScale previous = 0; // of the plane that is this lane's
    const int lane = threadIdx.x % kWarp;
    for (int round = 0; round <= rounds; ++round) {
        if (threadIdx.x < kWarp) {
            if (round > 0)
                alpha = Equations::equations(totals, totalWeight).solve(Q);
#pragma unroll
            for (int b = 0; b < Q; ++b)
                alpha[b] = std::fabs(alpha[b]);
            sortDescending(alpha, Q);
            double wanted = alpha[0];
#pragma unroll
            for (int b = 1; b < Q; ++b)
                wanted = lane == b ? alpha[b] : wanted;
            const kernels::PackedScale word = kernels::apot::round(wanted, terms);
            const double value = kernels::apot::value(word);
            const bool moved = __any_sync(kAllLanes, lane < Q && word != previous);
            previous = word;
            kernels::PackedScale words[Q];
#pragma unroll
            for (int b = 0; b < Q; ++b) {
                alpha[b] = __shfl_sync(kAllLanes, value, b);
                words[b] = static_cast<kernels::PackedScale>(__shfl_sync(kAllLanes, static_cast<int>(word), b));
            }
            makeGridByWarp<Q>(words, alpha, grid, sorted);
            if (lane == 0)
                stop = round > 0 && !moved; // same scales, same codes, same equations: nothing moves any more
        }
        __syncthreads();
        if (stop)
            break;
        float borders[1 << Q];
        std::uint64_t codes = 0; // four bits a level
#pragma unroll
        for (int l = 0; l < 1 << Q; ++l) {
            borders[l] = grid.m_midpoints[l];
            codes |= static_cast<std::uint64_t>(grid.codes[l]) << 4 * l;
        }
        mine = {};
        items.forEach([&](int column, std::int64_t row) {
            const float w = a.active[column * a.rows + row];
            const double f = columnWeights[column];
            int shift = 0;
#pragma unroll
            for (int l = 1; l < 1 << Q; ++l)
                shift += w >= borders[l] ? 4 : 0;
            mine.add(static_cast<unsigned>(codes >> shift) & 15u, f, f * w);
        });
        blockSum(mine.sums, totals);
        if (threadIdx.x < kWarp) {
            const double error = Equations::equations(totals, totalWeight).residual(sumOfSquares, alpha, Q);
            if (error < bestError) {
                bestError = error;
                if (lane == 0)
                    best = grid;
            }
            __syncwarp();
        }
    }
    if (threadIdx.x == 0)
        a.grids[block.index * a.groups + blockIdx.x] = best;
}

} // namespace sa::cuda
