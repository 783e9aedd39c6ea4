// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/sweep.h"

#include "core/quant/row_group.h"

#include <ATen/ATen.h>
#include <algorithm>

namespace sa
{

LayerSweep::LayerSweep(const at::Tensor& weight, const SweepFactor& factor, const SweepOptions& options)
    : m_weight(weight)
    , m_factor(factor)
    , m_options(options)
{
    m_packed.N = static_cast<int>(weight.size(0));
    m_packed.K = static_cast<int>(weight.size(1));
    m_packed.q = options.bcq.planes;
    const int defaultRows = (m_packed.N + 7) / 8;
    m_packed.R = options.rowsPerScale > 0 ? static_cast<int>(std::min<std::int64_t>(options.rowsPerScale, m_packed.N))
                                          : defaultRows;
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
    const std::int64_t N = m_packed.N, q = m_packed.q;
    const std::int64_t rowBegin = piece * m_packed.R, rowEnd = std::min<std::int64_t>(N, rowBegin + m_packed.R);
    RowGroup group(m_weight.slice(0, rowBegin, rowEnd), m_factor, m_options.bcq, m_options.weightedFit);
    if (!group.sweep(cancel))
        return;
    for (int pass = 0; pass < m_options.refinements && !m_factor.dataFree; ++pass)
        if (!group.refine(cancel))
            return;

    const std::int64_t rows = rowEnd - rowBegin;
    const auto scaleStride = static_cast<std::int64_t>(m_packed.view().rowGroups());
    std::int64_t position = 0;
    for (std::size_t i = 0; i < m_factor.order.size(); ++i) {
        const ColumnBlock block = m_factor.order[i];
        for (std::int64_t b = 0; b < q; ++b)
            m_packed.scales[static_cast<std::size_t>((block.begin / m_packed.C * q + b) * scaleStride + piece)] =
                group.grids()[i].scales[b];
        for (std::int64_t column = block.begin; column < block.begin + block.count; ++column, ++position) {
            std::uint32_t* words = m_packed.bits.data() + column / 32 * q * N + rowBegin;
            const std::uint8_t* codes = group.codes().data() + position * rows;
            for (std::int64_t b = 0; b < q; ++b)
                for (std::int64_t r = 0; r < rows; ++r)
                    words[b * N + r] |= static_cast<std::uint32_t>((codes[r] >> b) & 1) << (column % 32);
        }
    }
    const auto errors = group.errors();
    m_results[static_cast<std::size_t>(piece)] = {errors.damped, errors.plain, errors.energy};
}

LayerSweep::Outcome LayerSweep::finish()
{
    Outcome out;
    double errorEnergy = 0.0, energy = 0.0;
    for (const auto& result : m_results) {
        out.error += result.error;
        errorEnergy += result.errorEnergy;
        energy += result.energy;
    }
    out.relativeError = energy > 0.0 ? errorEnergy / energy : 0.0;
    out.packed = std::move(m_packed);
    return out;
}

} // namespace sa
