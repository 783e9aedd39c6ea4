// SPDX-License-Identifier: GPL-3.0-or-later
// What the host calls of the sweep's CUDA kernels: the algorithm of RowGroup for all row groups of all layers that read
// one input, their rows side by side. Plain C++, no header of CUDA. Everything runs on CUDA's default stream, which is
// libtorch's, and returns at once. Sums have a fixed order: same input, same bits.
#pragma once

#include "core/quant/bcq.h"

#include <cstdint>
#include <string>

namespace sa::cuda
{

/// Device memory of one sweep or refinement; matrices are f32 and row-major, columns of the layer lead (as in
/// RowGroup).
struct SweepArrays {
    std::int64_t K = 0, rows = 0;         ///< rows of all layers together
    std::int64_t groups = 0;              ///< row groups of all layers together
    const std::int32_t* groupBegin = {};  ///< [groups + 1]: first row of each group
    const std::int32_t* groupOfRow = {};  ///< [rows]
    const float* matrix = nullptr;        ///< [K, K]: the factor R in the sweep, the Hessian in a refinement
    const float* columnWeights = nullptr; ///< [K]: factor on the squared error of a column's weights in the fit
    const float* base = nullptr;          ///< [K, rows] where the span begins: weights to be coded, or the gradient
    float* active = nullptr;              ///< [columns of the widest block, rows]: the same for the present block
    float* trail = nullptr;               ///< [columns of the widest span, rows]: scaled errors, or changes, so far
    float* quantized = nullptr;           ///< [K, rows]
    std::uint8_t* codes = nullptr;        ///< [K, rows]
    BcqGrid* grids = nullptr;             ///< [blocks, groups]
    double ridge = 0;
};

/// A block of columns that share their scales: its place in the sweep.
struct BlockPlace {
    std::int64_t index = 0, begin = 0, count = 0;
};

/// Codes block `done` with its grids (unless its count is 0), then makes block `next` (likewise) ready in `active`.
void sweepStep(const SweepArrays& arrays, std::int64_t spanBegin, const BlockPlace& done, const BlockPlace& next);
/// Fits the grids of every row group to `active`.
void fitGrids(const SweepArrays& arrays, const BlockPlace& block, const BcqOptions& options);

/// Moves the codes of block `done` to their best levels, then brings the gradient of block `next` up to date.
void refineStep(const SweepArrays& arrays, std::int64_t spanBegin, const BlockPlace& done, const BlockPlace& next);
/// Moves the scales of every row group to where they fit the present codes best.
void refitGrids(const SweepArrays& arrays, const BlockPlace& block, const BcqOptions& options);

void useDevice(int index); ///< negative: the present one
/// Waits for the present device.
void synchronize();
/// Bytes that could still be allocated on the present device.
std::uint64_t freeBytes();
/// What the last launch or wait failed with; empty when all is well.
std::string takeError();

} // namespace sa::cuda
