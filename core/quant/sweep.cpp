// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/sweep.h"

#include <ATen/ATen.h>
#include <algorithm>

namespace sa {

namespace {

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

} // namespace

LayerSweep::LayerSweep(const at::Tensor& weight, const SweepFactor& factor, const SweepOptions& options)
    : m_weight(weight), m_factor(factor), m_options(options), m_dense(at::empty_like(weight))
{
    m_packed.N = static_cast<int>(weight.size(0));
    m_packed.K = static_cast<int>(weight.size(1));
    m_packed.q = options.bcq.planes;
    const int defaultRows = (m_packed.N + 7) / 8;
    m_packed.R = options.rowsPerScale > 0 ? static_cast<int>(std::min<std::int64_t>(options.rowsPerScale, m_packed.N)) : defaultRows;
    m_packed.C = static_cast<int>(options.columnsPerScale);
    const auto view = m_packed.view();
    m_packed.bits.assign(view.wordCount(), 0);
    m_packed.scales.assign(view.scaleCount(), 0);
    m_results.resize(view.rowGroups());
}

std::int64_t LayerSweep::pieces() const
{
    return static_cast<std::int64_t>(m_results.size());
}

void LayerSweep::runPiece(std::int64_t piece, const CancelToken& cancel)
{
    const std::int64_t N = m_packed.N, K = m_packed.K, q = m_packed.q;
    const std::int64_t rowBegin = piece * m_packed.R, rowEnd = std::min<std::int64_t>(N, rowBegin + m_packed.R);
    const std::int64_t rows = rowEnd - rowBegin;

    // Columns lead, so that everything below runs along rows: [K][rows], in sweep order.
    const at::Tensor original = m_weight.slice(0, rowBegin, rowEnd).t().index_select(0, m_factor.permutation).contiguous();
    at::Tensor work = original.clone();
    for (const auto column : m_factor.dead)
        work.select(0, column).zero_();
    at::Tensor quantized = at::empty_like(work);
    at::Tensor scaledError = at::empty({kLazyColumns + m_packed.C, rows}, work.options());

    const float* R = m_factor.upper.data_ptr<float>();
    float* w = work.data_ptr<float>();
    float* wq = quantized.data_ptr<float>();
    float* err = scaledError.data_ptr<float>();
    const auto groups = static_cast<std::int64_t>(m_packed.view().rowGroups());
    BcqFitter fitter;
    double loss = 0.0;

    std::size_t nextBlock = 0;
    for (std::int64_t i1 = 0; i1 < K;) {
        if (cancel.cancelled())
            return;
        std::int64_t i2 = i1;
        std::size_t endBlock = nextBlock;
        while (endBlock < m_factor.order.size() && i2 - i1 < kLazyColumns)
            i2 += m_factor.order[endBlock++].count;

        for (std::int64_t j = i1; nextBlock < endBlock; ++nextBlock) {
            const ColumnBlock block = m_factor.order[nextBlock];
            const BcqGrid grid = fitter.fit(std::span<const float>(w + j * rows, static_cast<std::size_t>(block.count * rows)), m_options.bcq);
            for (std::int64_t b = 0; b < q; ++b)
                m_packed.scales[static_cast<std::size_t>((block.begin / m_packed.C * q + b) * groups + piece)] = grid.scales[b];

            for (std::int64_t c = 0; c < block.count; ++c, ++j) {
                const float diagonal = R[j * K + j], inverse = 1.0f / diagonal;
                const std::int64_t column = block.begin + c;
                std::uint32_t* words = m_packed.bits.data() + column / 32 * q * N + rowBegin;
                float* e = err + (j - i1) * rows;
                double columnLoss = 0.0;
                for (std::int64_t r = 0; r < rows; ++r) {
                    const int level = grid.nearest(w[j * rows + r]);
                    const float value = grid.levels[level], miss = w[j * rows + r] - value;
                    wq[j * rows + r] = value;
                    e[r] = miss * inverse;
                    columnLoss += static_cast<double>(e[r]) * e[r];
                    for (std::int64_t b = 0; b < q; ++b)
                        words[b * N + r] |= static_cast<std::uint32_t>((grid.codes[level] >> b) & 1) << (column % 32);
                }
                loss += 0.5 * columnLoss;
                for (std::int64_t later = j + 1; later < i2; ++later) {
                    const float factor = R[j * K + later];
                    float* target = w + later * rows;
                    for (std::int64_t r = 0; r < rows; ++r)
                        target[r] -= factor * e[r];
                }
            }
        }
        if (i2 < K)
            work.slice(0, i2).addmm_(m_factor.upper.slice(0, i1, i2).slice(1, i2).t(), scaledError.slice(0, 0, i2 - i1), 1, -1);
        i1 = i2;
    }

    const at::Tensor miss = original - quantized;
    m_results[static_cast<std::size_t>(piece)] = {loss, innerProduct(miss, at::mm(m_factor.hessian, miss)),
                                                  innerProduct(original, at::mm(m_factor.hessian, original))};
    const at::Tensor inverse = at::empty_like(m_factor.permutation).scatter_(0, m_factor.permutation, at::arange(K, at::kLong));
    m_dense.slice(0, rowBegin, rowEnd).copy_(quantized.index_select(0, inverse).t());
}

LayerSweep::Outcome LayerSweep::finish()
{
    Outcome out;
    double errorEnergy = 0.0, energy = 0.0;
    for (const auto& result : m_results) {
        out.error += result.loss;
        errorEnergy += result.errorEnergy;
        energy += result.energy;
    }
    out.relativeError = energy > 0.0 ? errorEnergy / energy : 0.0;
    out.packed = std::move(m_packed);
    out.dense = std::move(m_dense);
    return out;
}

} // namespace sa
