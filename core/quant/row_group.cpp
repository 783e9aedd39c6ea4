// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/row_group.h"

#include <ATen/ATen.h>
#include <algorithm>
#include <array>
#include <cmath>

namespace sa
{

namespace
{

constexpr std::int64_t kLazyColumns = 128; ///< trailing columns are updated once per this many (blocksize of the paper)

/// sum_ij A_ij B_ij in float64, in a fixed order.
double innerProduct(const at::Tensor& a, const at::Tensor& b)
{
    const float* x = a.data_ptr<float>();
    const float* y = b.data_ptr<float>();
    double sum = 0.0;
    for (std::int64_t i = 0; i < a.numel(); ++i)
        sum += static_cast<double>(x[i]) * y[i];
    return sum;
}

float signOf(std::uint8_t code, int plane)
{
    return (code >> plane) & 1 ? 1.0f : -1.0f;
}

} // namespace

std::vector<LazySpan> lazySpans(const std::vector<ColumnBlock>& order)
{
    std::vector<LazySpan> spans;
    LazySpan span;
    for (std::size_t block = 0; block < order.size(); ++block) {
        span.end += order[block].count;
        span.endBlock = block + 1;
        if (span.end - span.begin >= kLazyColumns || span.endBlock == order.size()) {
            spans.push_back(span);
            span = {span.end, span.end, span.endBlock, span.endBlock};
        }
    }
    return spans;
}

RowGroup::RowGroup(const at::Tensor& rows, const SweepFactor& factor, const BcqOptions& options, bool weightedFit)
    : m_factor(factor)
    , m_options(options)
    , m_weightedFit(weightedFit)
    , m_K(rows.size(1))
    , m_rows(rows.size(0))
    , m_original(rows.t().index_select(0, factor.permutation).contiguous())
    , m_quantized(at::empty_like(m_original))
    , m_codes(static_cast<std::size_t>(rows.numel()))
    , m_grids(factor.order.size())
    , m_spans(lazySpans(factor.order))
{
}

bool RowGroup::sweep(const CancelToken& cancel)
{
    at::Tensor work = m_original.clone();
    for (const auto column : m_factor.dead)
        work.select(0, column).zero_();
    at::Tensor scaledErrors = at::empty_like(work);
    const float* R = m_factor.upper.data_ptr<float>();
    float* w = work.data_ptr<float>();
    float* wq = m_quantized.data_ptr<float>();
    float* err = scaledErrors.data_ptr<float>();
    BcqFitter fitter;
    std::vector<float> weights;

    for (const Span& span : m_spans) {
        if (cancel.cancelled())
            return false;
        std::int64_t j = span.begin;
        for (std::size_t block = span.firstBlock; block < span.endBlock; ++block) {
            // An error in column j costs 1/R_jj^2: the fit weighs it so.
            const std::int64_t count = m_factor.order[block].count;
            weights.resize(static_cast<std::size_t>(count * m_rows));
            for (std::int64_t c = 0; c < count; ++c) {
                const float diagonal = R[(j + c) * m_K + j + c];
                std::fill_n(weights.begin() + c * m_rows, m_rows, m_weightedFit ? 1.0f / (diagonal * diagonal) : 1.0f);
            }
            const auto values = std::span<const float>(w + j * m_rows, weights.size());
            const BcqGrid& grid = m_grids[block] = fitter.fit(values, weights, m_options);
            for (const std::int64_t end = j + count; j < end; ++j) {
                const float inverse = 1.0f / R[j * m_K + j];
                float* e = err + j * m_rows;
                for (std::int64_t r = 0; r < m_rows; ++r) {
                    const std::int64_t i = j * m_rows + r;
                    const int level = grid.nearest(w[i]);
                    wq[i] = grid.levels[level];
                    m_codes[static_cast<std::size_t>(i)] = grid.codes[level];
                    e[r] = (w[i] - wq[i]) * inverse;
                }
                for (std::int64_t later = j + 1; later < span.end; ++later) {
                    const float factor = R[j * m_K + later];
                    float* target = w + later * m_rows;
                    for (std::int64_t r = 0; r < m_rows; ++r)
                        target[r] -= factor * e[r];
                }
            }
        }
        if (span.end < m_K)
            work.slice(0, span.end)
                .addmm_(m_factor.upper.slice(0, span.begin, span.end).slice(1, span.end).t(),
                        scaledErrors.slice(0, span.begin, span.end), 1, -1);
    }
    return true;
}

bool RowGroup::refine(const CancelToken& cancel)
{
    const at::Tensor& H = m_factor.hessian;
    const at::Tensor miss = m_quantized - m_original;
    at::Tensor gradient = at::mm(H, miss).add_(miss, m_factor.ridge); // half the gradient, f32 [K, rows]
    for (const Span& span : m_spans) {
        if (cancel.cancelled())
            return false;
        at::Tensor change = at::zeros({span.end - span.begin, m_rows}, miss.options());
        std::int64_t column = span.begin;
        for (std::size_t block = span.firstBlock; block < span.endBlock; ++block) {
            refitScales(block, column, span, gradient, change);
            refitCodes(block, column, span, gradient, change);
            column += m_factor.order[block].count;
        }
        // Inside the span the gradient is up to date; the columns behind follow in one product. Those before are not
        // looked at again: the next pass starts from the residual.
        gradient.slice(0, span.end).addmm_(H.slice(1, span.begin, span.end).slice(0, span.end), change);
    }
    return true;
}

/// W^[column] += delta, and the span's gradient with it.
void RowGroup::applyChange(std::int64_t column, const float* delta, const Span& span, at::Tensor& gradient,
                           at::Tensor& change)
{
    const float* H = m_factor.hessian.data_ptr<float>() + column * m_K;
    const auto ridge = static_cast<float>(m_factor.ridge);
    float* g = gradient.data_ptr<float>();
    float* w = m_quantized.data_ptr<float>() + column * m_rows;
    float* total = change.data_ptr<float>() + (column - span.begin) * m_rows;
    for (std::int64_t r = 0; r < m_rows; ++r) {
        w[r] += delta[r];
        total[r] += delta[r];
    }
    for (std::int64_t j = span.begin; j < span.end; ++j) {
        const float h = H[j] + (j == column ? ridge : 0.0f);
        float* target = g + j * m_rows;
        for (std::int64_t r = 0; r < m_rows; ++r)
            target[r] += h * delta[r];
    }
}

void RowGroup::refitScales(std::size_t block, std::int64_t column, const Span& span, at::Tensor& gradient,
                           at::Tensor& change)
{
    const int q = m_options.planes;
    const std::int64_t count = m_factor.order[block].count;
    const float* H = m_factor.hessian.data_ptr<float>();
    const float* g = gradient.data_ptr<float>() + column * m_rows;
    const std::uint8_t* codes = m_codes.data() + column * m_rows;

    // The objective as a function of a change d of the scales: d^T A d + 2 b^T d.
    std::array<std::array<double, kMaxPlanes>, kMaxPlanes> A{};
    std::array<double, kMaxPlanes> b{};
    for (std::int64_t i = 0; i < count; ++i) {
        for (std::int64_t r = 0; r < m_rows; ++r)
            for (int p = 0; p < q; ++p)
                b[p] += static_cast<double>(g[i * m_rows + r]) * signOf(codes[i * m_rows + r], p);
        for (std::int64_t j = 0; j < count; ++j) {
            const double h = H[(column + i) * m_K + column + j] + (i == j ? m_factor.ridge : 0.0);
            std::array<std::array<int, kMaxPlanes>, kMaxPlanes> agreement{};
            for (std::int64_t r = 0; r < m_rows; ++r) {
                const unsigned x = codes[i * m_rows + r], y = codes[j * m_rows + r];
                for (int p = 0; p < q; ++p)
                    for (int s = 0; s < q; ++s)
                        agreement[p][s] += ((x >> p) ^ (y >> s)) & 1 ? -1 : 1;
            }
            for (int p = 0; p < q; ++p)
                for (int s = 0; s < q; ++s)
                    A[p][s] += h * agreement[p][s];
        }
    }
    const auto objective = [&](const std::array<double, kMaxPlanes>& d) {
        double value = 0.0;
        for (int p = 0; p < q; ++p) {
            value += 2.0 * b[p] * d[p];
            for (int s = 0; s < q; ++s)
                value += A[p][s] * d[p] * d[s];
        }
        return value;
    };

    // Plane by plane to the nearest power-of-two sum that helps, until nothing does: rounding is part of the descent.
    BcqGrid& grid = m_grids[block];
    std::array<kernels::PackedScale, kMaxPlanes> scales = grid.scales;
    std::array<double, kMaxPlanes> d{};
    double best = 0.0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int p = 0; p < q; ++p) {
            if (A[p][p] <= 0.0)
                continue;
            double slope = b[p];
            for (int s = 0; s < q; ++s)
                slope += A[p][s] * d[s];
            const double present = kernels::apotValue(grid.scales[p]) + d[p];
            const auto candidate = kernels::apotRound(present - slope / A[p][p], m_options.apotTerms);
            auto trial = d;
            trial[p] = kernels::apotValue(candidate) - kernels::apotValue(grid.scales[p]);
            const double value = objective(trial);
            if (candidate != scales[p] && value < best - 1e-9 * std::abs(best)) {
                best = value;
                d = trial;
                scales[p] = candidate;
                moved = true;
            }
        }
    }
    if (best >= 0.0)
        return;
    // Plane 0 holds the largest scale; where the order was lost the change is not worth a re-sort.
    for (int p = 1; p < q; ++p)
        if (kernels::apotValue(scales[p]) > kernels::apotValue(scales[p - 1]))
            return;
    grid = makeGrid(std::span(scales.data(), static_cast<std::size_t>(q)));
    std::array<float, kMaxLevels> valueOfCode{};
    for (int level = 0; level < grid.levelCount(); ++level)
        valueOfCode[grid.codes[level]] = grid.levels[level];
    std::vector<float> delta(static_cast<std::size_t>(m_rows));
    for (std::int64_t i = 0; i < count; ++i) {
        const float* w = m_quantized.data_ptr<float>() + (column + i) * m_rows;
        for (std::int64_t r = 0; r < m_rows; ++r)
            delta[static_cast<std::size_t>(r)] = valueOfCode[codes[i * m_rows + r]] - w[r];
        applyChange(column + i, delta.data(), span, gradient, change);
    }
}

void RowGroup::refitCodes(std::size_t block, std::int64_t column, const Span& span, at::Tensor& gradient,
                          at::Tensor& change)
{
    const BcqGrid& grid = m_grids[block];
    std::vector<float> delta(static_cast<std::size_t>(m_rows));
    for (std::int64_t j = column; j < column + m_factor.order[block].count; ++j) {
        const float curvature = m_factor.hessian.data_ptr<float>()[j * m_K + j] + static_cast<float>(m_factor.ridge);
        if (!(curvature > 0.0f))
            continue;
        const float* g = gradient.data_ptr<float>() + j * m_rows;
        const float* w = m_quantized.data_ptr<float>() + j * m_rows;
        bool any = false;
        for (std::int64_t r = 0; r < m_rows; ++r) {
            const int level = grid.nearest(w[r] - g[r] / curvature);
            delta[static_cast<std::size_t>(r)] = grid.levels[level] - w[r];
            m_codes[static_cast<std::size_t>(j * m_rows + r)] = grid.codes[level];
            any = any || grid.levels[level] != w[r];
        }
        if (any)
            applyChange(j, delta.data(), span, gradient, change);
        // Sums of small changes drift; the stored value is the level itself.
        float* exact = m_quantized.data_ptr<float>() + j * m_rows;
        for (std::int64_t r = 0; r < m_rows; ++r)
            exact[r] = grid.levels[grid.nearest(exact[r])];
    }
}

RowGroup::Errors RowGroup::errors() const
{
    const at::Tensor miss = m_original - m_quantized;
    Errors out;
    out.plain = innerProduct(miss, at::mm(m_factor.hessian, miss));
    out.damped = 0.5 * (out.plain + m_factor.ridge * innerProduct(miss, miss));
    out.energy = innerProduct(m_original, at::mm(m_factor.hessian, m_original));
    return out;
}

} // namespace sa
