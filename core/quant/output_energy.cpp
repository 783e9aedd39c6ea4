// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/output_energy.h"

#include "core/base/parallel.h"

#include <ATen/ATen.h>
#include <algorithm>
#include <vector>

namespace sa
{

OutputEnergies outputEnergies(const at::Tensor& weight, const at::Tensor& quantized, const at::Tensor& hessian)
{
    constexpr std::int64_t kRowsPerPiece = 128; // a constant, so that the sums do not depend on threads
    const std::int64_t N = weight.size(0), pieces = (N + kRowsPerPiece - 1) / kRowsPerPiece;
    std::vector<OutputEnergies> sums(static_cast<std::size_t>(pieces));
    const at::Tensor H = hessian.defined() ? hessian.to(at::kFloat) : at::Tensor();
    const auto energy = [&](const at::Tensor& rows) {
        return ((H.defined() ? at::mm(rows, H) : rows) * rows).sum(at::kDouble).item<double>();
    };
    parallelFor(pieces, [&](std::int64_t i) {
        const std::int64_t begin = i * kRowsPerPiece, end = std::min(N, begin + kRowsPerPiece);
        const at::Tensor rows = weight.slice(0, begin, end);
        sums[static_cast<std::size_t>(i)] = {energy(quantized.slice(0, begin, end) - rows), energy(rows)};
    });
    OutputEnergies out;
    for (const auto& [lost, whole] : sums)
        out = {out.lost + lost, out.whole + whole};
    return out;
}

} // namespace sa
