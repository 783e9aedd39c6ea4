// SPDX-License-Identifier: GPL-3.0-or-later
// One row group of a layer while it is quantized: the rows that share their scales. Columns are in sweep order and lead
// the layout, so that every inner loop runs along rows.
#pragma once

#include "core/base/cancel.h"
#include "core/quant/bcq.h"
#include "core/quant/hessian.h"

#include <ATen/core/Tensor.h>

namespace sa
{

class RowGroup
{
public:
    /// rows: f32 [rows, K] in the original column order; `factor` must outlive the group.
    RowGroup(const at::Tensor& rows, const SweepFactor& factor, const BcqOptions& options, bool weightedFit);

    /// The column sweep (algorithm 3.3, 3.4). False when it was cancelled on the way.
    bool sweep(const CancelToken& cancel);
    /// One pass of coordinate descent on tr(E (H + ridge) E^T), E = W^ - W: per block of columns first the scales for
    /// the present codes (least squares, rounded to powers of two, kept if better), then the codes column by column.
    bool refine(const CancelToken& cancel);

    const std::vector<BcqGrid>& grids() const { return m_grids; }      ///< per block of factor.order
    const std::vector<std::uint8_t>& codes() const { return m_codes; } ///< [K][rows]; bit b set: plane b is +1

    struct Errors {
        double damped = 0; ///< tr(E (H + ridge) E^T) / 2
        double plain = 0;  ///< tr(E H E^T)
        double energy = 0; ///< tr(W H W^T)
    };
    Errors errors() const;

private:
    struct Span {
        std::int64_t begin, end;          ///< columns, at least kLazyColumns but at the end
        std::size_t firstBlock, endBlock; ///< of factor.order
    };
    void refitScales(std::size_t block, std::int64_t column, const Span& span, at::Tensor& gradient,
                     at::Tensor& change);
    void refitCodes(std::size_t block, std::int64_t column, const Span& span, at::Tensor& gradient, at::Tensor& change);
    void applyChange(std::int64_t column, const float* delta, const Span& span, at::Tensor& gradient,
                     at::Tensor& change);

    const SweepFactor& m_factor;
    BcqOptions m_options;
    bool m_weightedFit;
    std::int64_t m_K, m_rows;
    at::Tensor m_original;  ///< f32 [K, rows]
    at::Tensor m_quantized; ///< f32 [K, rows]
    std::vector<std::uint8_t> m_codes;
    std::vector<BcqGrid> m_grids;
    std::vector<Span> m_spans;
};

} // namespace sa
