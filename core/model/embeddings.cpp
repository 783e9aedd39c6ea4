// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/embeddings.h"

#include "core/base/parallel.h"
#include "core/model/linear.h"
#include "core/model/tensors.h"
#include "sa/kernels/rows.h"

#include <ATen/ATen.h>

namespace sa
{

namespace
{

/// A table as it is stored, checked; f32 on a device.
Result<at::Tensor> readTable(const ModelFolder& model, const std::string& name, at::Device device)
{
    SA_TRY(const at::Tensor values, readFloatTensor(model.store, name, device));
    SA_TRY(const TensorInfo* info, model.store.find(name));
    if (!device.is_cpu() || info->dtype == Dtype::F32)
        return values;
    return values.to(info->dtype == Dtype::F16 ? at::kHalf : at::kBFloat16);
}

kernels::Element elementOf(const at::Tensor& table)
{
    return table.scalar_type() == at::kHalf       ? kernels::Element::F16
           : table.scalar_type() == at::kBFloat16 ? kernels::Element::BF16
                                                  : kernels::Element::F32;
}

} // namespace

Result<Embeddings> Embeddings::load(const ModelFolder& model, at::Device device)
{
    const ModelConfig& c = model.config;
    const auto weight = [&](std::string_view name) {
        return readFloatTensor(model.store, std::string(name) + ".weight", device);
    };
    Embeddings out;
    out.m_parts.scale = c.embeddingScale;
    out.m_parts.learnedOffset = c.learnedOffset;
    out.m_parts.softcap = c.headSoftcap;
    SA_TRY(out.m_parts.embedding, readTable(model, model.embeddingTensor(), device));
    if (c.positionScheme == PositionScheme::Learned) {
        SA_TRY(out.m_parts.positions, weight(c.names.positions));
    }
    if (c.embeddingNorm) {
        SA_TRY(out.m_parts.embeddingNorm, Norm::load(model, std::string(c.names.embeddingNorm), device));
    }
    if (c.embeddingWidth != c.hidden) {
        SA_TRY(out.m_parts.projectIn, weight(c.names.projectIn));
        SA_TRY(out.m_parts.projectOut, weight(c.names.projectOut));
    }
    if (c.finalNorm) {
        SA_TRY(out.m_parts.finalNorm, Norm::load(model, std::string(c.names.finalNorm), device));
    }
    out.m_parts.head = out.m_parts.embedding;
    if (!c.tiedHead) {
        SA_TRY(out.m_parts.head, readTable(model, std::string(c.names.head) + ".weight", device));
    }
    return out;
}

at::Tensor Embeddings::embed(std::span<const std::int32_t> ids, std::int64_t firstPosition) const
{
    const auto count = static_cast<std::int64_t>(ids.size());
    at::Tensor index = at::empty({count}, at::kLong);
    auto* out = index.data_ptr<std::int64_t>();
    for (std::size_t i = 0; i < ids.size(); ++i)
        out[i] = ids[i];
    at::Tensor x = m_parts.embedding.index_select(0, index.to(m_parts.embedding.device())).to(at::kFloat);
    if (m_parts.scale != 1.0)
        x.mul_(m_parts.scale);
    if (m_parts.projectIn.defined())
        x = denseProduct(x, m_parts.projectIn);
    if (m_parts.positions.defined())
        x = x + m_parts.positions.narrow(0, m_parts.learnedOffset + firstPosition, count);
    return m_parts.embeddingNorm(x);
}

at::Tensor Embeddings::wideHead() const
{
    if (m_parts.head.scalar_type() == at::kFloat)
        return m_parts.head;
    std::call_once(m_wide->made, [this] { m_wide->head = m_parts.head.to(at::kFloat); });
    return m_wide->head;
}

at::Tensor Embeddings::headRow(const at::Tensor& x) const
{
    constexpr std::int64_t kRows = 256;
    const std::int64_t N = m_parts.head.size(0), K = m_parts.head.size(1);
    at::Tensor out = at::empty({1, N}, x.options());
    const auto* rows = static_cast<const std::byte*>(m_parts.head.data_ptr());
    const float* in = x.data_ptr<float>();
    float* y = out.data_ptr<float>();
    const auto rowBytes = static_cast<std::int64_t>(m_parts.head.element_size()) * K;
    parallelTeam([&](Team& team, int) {
        team.forEach((N + kRows - 1) / kRows, [&](std::int64_t piece) {
            const std::int64_t begin = piece * kRows;
            kernels::rowDots(rows + begin * rowBytes, elementOf(m_parts.head), std::min(kRows, N - begin), K, in,
                             y + begin);
        });
    });
    return out;
}

at::Tensor Embeddings::logits(const at::Tensor& hidden) const
{
    at::Tensor x = m_parts.finalNorm(hidden);
    if (m_parts.projectOut.defined())
        x = denseProduct(x, m_parts.projectOut);
    at::Tensor out = x.size(0) == 1 && x.is_cpu() ? headRow(x.contiguous()) : denseProduct(x, wideHead());
    return m_parts.softcap ? out.div_(*m_parts.softcap).tanh_().mul_(*m_parts.softcap) : out;
}

std::int64_t Embeddings::weightBytes() const
{
    std::int64_t sum = 0;
    for (const at::Tensor* tensor :
         {&m_parts.embedding, &m_parts.positions, &m_parts.projectIn, &m_parts.projectOut, &m_parts.head})
        if (tensor->defined() && (tensor != &m_parts.head || !m_parts.head.is_same(m_parts.embedding)))
            sum += static_cast<std::int64_t>(tensor->nbytes());
    return sum;
}

} // namespace sa
