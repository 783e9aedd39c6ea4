// SPDX-License-Identifier: GPL-3.0-or-later
// y[m,n] = sum_k W^[n,k] * x[m,k], straight from the planes: activations are shifted by the scale's exponents
// (algorithm 2.2, in float bit space), 16-entry tables of signed sums over 4 columns are built once per row group, and
// every four weights of a row and plane cost one look-up and one add. No multiplication, no dense weight. Only small
// groups (more than 8 groups of under 32 rows, columns in eights) share tables of unshifted sums and pay one
// multiply-add per 8 weights.
#pragma once

#include "sa/kernels/sign_planes.h"

namespace sa::kernels
{

/// The truth: float64 sums over the planes, one rounding to float per output. y: [M][ldy], rows [rowBegin, rowEnd) of
/// the N columns of y are written and nothing else. x: [M][K], contiguous.
Status lutGemmRef(const SignPlanes& w, const float* x, int M, float* y, std::ptrdiff_t ldy, int rowBegin,
                  int rowEnd) noexcept;

/// The words of a matrix in execution layout: tiles of rows, each with all its words in the order of use, so that a
/// thread reads one stream. [ceil(N/tileRows)][ceil(K/32)][q][rows of the tile]; the last tile has the rows that are
/// left. Each word is as in SignPlanes. A tile of all rows is the interchange layout.
struct TiledPlanes {
    SignPlanes planes;
    int tileRows = 0; ///< >= 1
};

/// Rows of a tile that suit the product: those that share scales where they are many, several such groups where few.
int lutGemmTileRows(const SignPlanes& w) noexcept;
/// The words of interchange planes in execution layout, and back. out: wordCount() words. BadShape, BadPointer.
Status tileWords(const SignPlanes& w, int tileRows, std::uint32_t* out) noexcept;
Status untileWords(const TiledPlanes& w, std::uint32_t* out) noexcept;

/// Bytes of scratch that `lutGemm` wants per calling thread; alignment 64.
std::size_t lutGemmScratchBytes(const SignPlanes& w, int M) noexcept;

/// The exact CPU path (float32 tables and sums; kernels.md 9), dispatched at run time to the best vector unit.
/// Each output element is summed in an order that depends on K alone: any split of the rows over threads, any M and any
/// repeat give the same bits on one machine. Non-finite x propagates as in float arithmetic.
/// Threads call it with disjoint row ranges, ideally multiples of R; scratch is private to the call.
Status lutGemm(const SignPlanes& w, const float* x, int M, float* y, std::ptrdiff_t ldy, int rowBegin, int rowEnd,
               void* scratch) noexcept;
/// The same from the execution layout, the same bits. Row ranges of whole tiles are best.
Status lutGemm(const TiledPlanes& w, const float* x, int M, float* y, std::ptrdiff_t ldy, int rowBegin, int rowEnd,
               void* scratch) noexcept;

/// The same product from tables of 14 bits: 1.4 to 2 times as fast for one token with AVX2, with an error of about 3e-4
/// of the output (exact path: 2e-7). Shifted activations become integers in one unit for each 64 columns and row group,
/// a power of two: four columns' signed sum is rounded to an entry of at most 8191 units, and the entries of 64 columns
/// and all planes are added as integers. Nothing is multiplied. With m_t the largest sum of |alpha x| over 4 columns
/// k..k+3 (k a multiple of 4, of one plane) among the 64 columns of block t, in the row's group:
///
///     |y - W^ x| <= sum_t 1.001 q 2^-8 m_t + 2^-17 sum A|x| + K q 2^-120
///
/// so that an outlier costs its own 64 columns only. Each row depends on itself alone: any split of rows, any M and any
/// tile height give the same bits; tokens go one by one. Complemented planes negate y, doubled x doubles it. It is
/// lutGemm, bit for bit, for a token with |x| >= 2^86, an infinity or a NaN; for groups of under 32 rows, and of under
/// 64 where vectors have 64 bytes; and on the portable unit. Scratch and failures as lutGemm.
Status lutGemmFast(const TiledPlanes& w, const float* x, int M, float* y, std::ptrdiff_t ldy, int rowBegin, int rowEnd,
                   void* scratch) noexcept;
/// Whether that is a product of its own for this weight, on the unit that runs. Only the shape is read.
bool lutGemmHasFast(const SignPlanes& w) noexcept;

/// Rows [rowBegin, rowEnd) of W^ in float32, planes summed in ascending order: for products with so many tokens that a
/// matrix library multiplies faster than tables do. out: [rows][denseRowStride(w)], 0 from column K on.
/// scratch: [denseRowsScratchFloats(w)], private to the call. Rows that share scales are best taken together.
Status denseRows(const TiledPlanes& w, int rowBegin, int rowEnd, float* out, float* scratch) noexcept;
std::size_t denseRowStride(const SignPlanes& w) noexcept;         ///< K rounded up to whole words
std::size_t denseRowsScratchFloats(const SignPlanes& w) noexcept; ///< only the shape is read

/// True for the small groups whose tables hold unshifted sums, see above. Only the shape is read.
bool lutGemmSharesTables(const SignPlanes& w) noexcept;

/// The vector unit that `lutGemm` runs on, "AVX2" for instance. SA_KERNEL_TARGET=SCALAR|SSE4|AVX2|... forces one.
const char* lutGemmTarget() noexcept;

} // namespace sa::kernels
