// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/stored_linear.h"

#include "core/base/parallel.h"
#include "sa/kernels/rows.h"

#include <ATen/ATen.h>

namespace sa
{

namespace
{

constexpr std::int64_t kRows = 256; ///< of a piece
/// Elements that are float32 at a time while many tokens pass.
constexpr std::int64_t kSlabElements = std::int64_t(1) << 24;

kernels::Element elementOf(const at::Tensor& weight)
{
    switch (weight.scalar_type()) {
    case at::kHalf:
        return kernels::Element::F16;
    case at::kBFloat16:
        return kernels::Element::BF16;
    case at::kChar:
        return kernels::Element::I8;
    default:
        return kernels::Element::F32;
    }
}

} // namespace

StoredLinear::StoredLinear(at::Tensor weight, at::Tensor rowScales)
    : m_weight(std::move(weight))
    , m_rowScales(std::move(rowScales))
{
}

std::int64_t StoredLinear::weightBytes() const
{
    return static_cast<std::int64_t>(m_weight.nbytes() + (m_rowScales.defined() ? m_rowScales.nbytes() : 0));
}

at::Tensor StoredLinear::wide() const
{
    if (m_weight.scalar_type() == at::kFloat)
        return m_weight;
    std::call_once(m_widened, [this] { m_wide = m_weight.to(at::kFloat); });
    return m_wide;
}

at::Tensor StoredLinear::row(const at::Tensor& x) const
{
    const std::int64_t N = m_weight.size(0), K = m_weight.size(1);
    at::Tensor out = at::empty({1, N}, x.options());
    const auto* rows = static_cast<const std::byte*>(m_weight.data_ptr());
    const float* in = x.data_ptr<float>();
    const float* scales = m_rowScales.defined() ? m_rowScales.data_ptr<float>() : nullptr;
    float* y = out.data_ptr<float>();
    const auto rowBytes = static_cast<std::int64_t>(m_weight.element_size()) * K;
    parallelTeam([&](Team& team, int) {
        team.forEach((N + kRows - 1) / kRows, [&](std::int64_t piece) {
            const std::int64_t begin = piece * kRows, end = std::min(N, begin + kRows);
            kernels::rowDots(rows + begin * rowBytes, elementOf(m_weight), end - begin, K, in, y + begin);
            for (std::int64_t n = begin; scales && n < end; ++n)
                y[n] *= scales[n];
        });
    });
    return out;
}

at::Tensor StoredLinear::slabs(const at::Tensor& x) const
{
    const std::int64_t N = m_weight.size(0), K = m_weight.size(1);
    const std::int64_t rows = std::max<std::int64_t>(1, kSlabElements / K);
    at::Tensor out = at::empty({x.size(0), N}, x.options());
    for (std::int64_t begin = 0; begin < N; begin += rows) {
        const std::int64_t count = std::min(rows, N - begin);
        const at::Tensor codes = m_weight.narrow(0, begin, count).to(at::kFloat);
        out.narrow(1, begin, count).copy_(denseProduct(x, codes).mul_(m_rowScales.narrow(0, begin, count)));
    }
    return out;
}

at::Tensor StoredLinear::forward(const at::Tensor& x) const
{
    if (x.size(0) == 1 && x.is_cpu())
        return row(x.contiguous());
    return m_rowScales.defined() ? slabs(x) : denseProduct(x, wide());
}

} // namespace sa
