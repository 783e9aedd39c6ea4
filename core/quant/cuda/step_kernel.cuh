// SPDX-License-Identifier: GPL-3.0-or-later
// What the sweep and a refinement do row by row between two fits. A block of threads has kStepRows rows; kStepSlices
// threads share a row where a block of columns is brought up to date from the columns before it in the span.
#pragma once

#include "core/quant/cuda/grid.cuh"
#include "core/quant/cuda/sweep_kernels.h"

namespace sa::cuda
{

inline constexpr int kStepRows = 32;
inline constexpr int kStepSlices = 8;

/// active = base + sign * (columns of the matrix)^T trail, over the span's columns before the block; `Columns` at a
/// time.
template<int Columns>
__device__ void prepareBlock(const SweepArrays& a, std::int64_t spanBegin, const BlockPlace& next, float sign)
{
    __shared__ float partial[kStepSlices][Columns][kStepRows];
    const int lane = threadIdx.x, slice = threadIdx.y;
    const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * kStepRows + lane;
    const bool inside = row < a.rows;
    for (std::int64_t first = 0; first < next.count; first += Columns) {
        const int count = static_cast<int>(next.count - first < Columns ? next.count - first : Columns);
        float sums[Columns] = {};
        if (inside) {
#pragma unroll 4
            for (std::int64_t i = spanBegin + slice; i < next.begin; i += kStepSlices) {
                const float e = a.trail[(i - spanBegin) * a.rows + row];
                const float* m = a.matrix + i * a.K + next.begin + first;
#pragma unroll
                for (int c = 0; c < Columns; ++c)
                    sums[c] += c < count ? m[c] * e : 0.0f;
            }
        }
#pragma unroll
        for (int c = 0; c < Columns; ++c)
            partial[slice][c][lane] = sums[c];
        __syncthreads();
        for (int c = slice; inside && c < count; c += kStepSlices) {
            float sum = 0.0f;
            for (int s = 0; s < kStepSlices; ++s)
                sum += partial[s][c][lane];
            a.active[(first + c) * a.rows + row] = a.base[(next.begin + first + c) * a.rows + row] + sign * sum;
        }
        __syncthreads();
    }
}

/// Codes of one row in a block of columns, and their errors into the trail.
__device__ inline void codeRow(const SweepArrays& a, std::int64_t spanBegin, const BlockPlace& block, std::int64_t row)
{
    const BcqGrid& grid = a.grids[block.index * a.groups + a.groupOfRow[row]];
    for (int c = 0; c < block.count; ++c) {
        const std::int64_t column = block.begin + c;
        float w = a.active[c * a.rows + row];
        for (std::int64_t i = block.begin; i < column; ++i)
            w -= a.matrix[i * a.K + column] * a.trail[(i - spanBegin) * a.rows + row];
        const int level = grid.nearest(w);
        a.quantized[column * a.rows + row] = grid.levels[level];
        a.codes[column * a.rows + row] = grid.codes[level];
        a.trail[(column - spanBegin) * a.rows + row] = (w - grid.levels[level]) / a.matrix[column * a.K + column];
    }
}

/// New levels of one row in a block of columns: first what the new scales do to it, then code by code.
__device__ inline void recodeRow(const SweepArrays& a, std::int64_t spanBegin, const BlockPlace& block,
                                 std::int64_t row)
{
    const BcqGrid& grid = a.grids[block.index * a.groups + a.groupOfRow[row]];
    const auto ridge = static_cast<float>(a.ridge);
    float* change = a.trail + (block.begin - spanBegin) * a.rows + row;
    float* quantized = a.quantized + block.begin * a.rows + row;
    std::uint8_t* codes = a.codes + block.begin * a.rows + row;
    for (int c = 0; c < block.count; ++c)
        change[c * a.rows] = levelOf(grid, codes[c * a.rows]) - quantized[c * a.rows];
    for (int c = 0; c < block.count; ++c) {
        const std::int64_t column = block.begin + c;
        float gradient = a.active[c * a.rows + row];
        for (int i = 0; i < block.count; ++i)
            gradient += (a.matrix[(block.begin + i) * a.K + column] + (i == c ? ridge : 0.0f)) * change[i * a.rows];
        const float curvature = a.matrix[column * a.K + column] + ridge;
        const float before = quantized[c * a.rows];
        float after = levelOf(grid, codes[c * a.rows]);
        if (curvature > 0.0f) {
            const int level = grid.nearest(after - gradient / curvature);
            codes[c * a.rows] = grid.codes[level];
            after = grid.levels[level];
        }
        quantized[c * a.rows] = after;
        change[c * a.rows] = after - before;
    }
}

} // namespace sa::cuda
