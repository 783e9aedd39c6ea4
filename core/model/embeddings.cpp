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
    out.m_scale = c.embeddingScale;
    out.m_learnedOffset = c.learnedOffset;
    out.m_softcap = c.headSoftcap;
    SA_TRY(out.m_embedding, readTable(model, model.embeddingTensor(), device));
    if (c.positionScheme == PositionScheme::Learned) {
        SA_TRY(out.m_positions, weight(c.names.positions));
    }
    if (c.embeddingNorm) {
        SA_TRY(out.m_embeddingNorm, Norm::load(model, std::string(c.names.embeddingNorm), device));
    }
    if (c.embeddingWidth != c.hidden) {
        SA_TRY(out.m_projectIn, weight(c.names.projectIn));
        SA_TRY(out.m_projectOut, weight(c.names.projectOut));
    }
    if (c.finalNorm) {
        SA_TRY(out.m_finalNorm, Norm::load(model, std::string(c.names.finalNorm), device));
    }
    out.m_head = out.m_embedding;
    if (!c.tiedHead) {
        SA_TRY(out.m_head, readTable(model, std::string(c.names.head) + ".weight", device));
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
    at::Tensor x = m_embedding.index_select(0, index.to(m_embedding.device())).to(at::kFloat);
    if (m_scale != 1.0)
        x.mul_(m_scale);
    if (m_projectIn.defined())
        x = denseProduct(x, m_projectIn);
    if (m_positions.defined())
        x = x + m_positions.narrow(0, m_learnedOffset + firstPosition, count);
    return m_embeddingNorm(x);
}

at::Tensor Embeddings::wideHead() const
{
    if (m_head.scalar_type() == at::kFloat)
        return m_head;
    std::call_once(m_wide->made, [this] { m_wide->head = m_head.to(at::kFloat); });
    return m_wide->head;
}

at::Tensor Embeddings::headRow(const at::Tensor& x) const
{
    constexpr std::int64_t kRows = 256;
    const std::int64_t N = m_head.size(0), K = m_head.size(1);
    at::Tensor out = at::empty({1, N}, x.options());
    const auto* rows = static_cast<const std::byte*>(m_head.data_ptr());
    const float* in = x.data_ptr<float>();
    float* y = out.data_ptr<float>();
    const auto rowBytes = static_cast<std::int64_t>(m_head.element_size()) * K;
    parallelTeam([&](Team& team, int) {
        team.forEach((N + kRows - 1) / kRows, [&](std::int64_t piece) {
            const std::int64_t begin = piece * kRows;
            kernels::rowDots(rows + begin * rowBytes, elementOf(m_head), std::min(kRows, N - begin), K, in, y + begin);
        });
    });
    return out;
}

at::Tensor Embeddings::logits(const at::Tensor& hidden) const
{
    at::Tensor x = m_finalNorm(hidden);
    if (m_projectOut.defined())
        x = denseProduct(x, m_projectOut);
    at::Tensor out = x.size(0) == 1 && x.is_cpu() ? headRow(x.contiguous()) : denseProduct(x, wideHead());
    return m_softcap ? out.div_(*m_softcap).tanh_().mul_(*m_softcap) : out;
}

std::int64_t Embeddings::weightBytes() const
{
    std::int64_t sum = 0;
    for (const at::Tensor* tensor : {&m_embedding, &m_positions, &m_projectIn, &m_projectOut, &m_head})
        if (tensor->defined() && (tensor != &m_head || !m_head.is_same(m_embedding)))
            sum += static_cast<std::int64_t>(tensor->nbytes());
    return sum;
}

} // namespace sa
