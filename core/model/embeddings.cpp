// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/embeddings.h"

#include "core/model/linear.h"
#include "core/model/tensors.h"

#include <ATen/ATen.h>

namespace sa
{

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
    SA_TRY(out.m_parts.embedding, readFloatTensor(model.store, model.embeddingTensor(), device));
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
        SA_TRY(out.m_parts.head, weight(c.names.head));
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
    at::Tensor x = m_parts.embedding.index_select(0, index.to(m_parts.embedding.device()));
    if (m_parts.scale != 1.0)
        x.mul_(m_parts.scale);
    if (m_parts.projectIn.defined())
        x = denseProduct(x, m_parts.projectIn);
    if (m_parts.positions.defined())
        x = x + m_parts.positions.narrow(0, m_parts.learnedOffset + firstPosition, count);
    return m_parts.embeddingNorm(x);
}

at::Tensor Embeddings::logits(const at::Tensor& hidden) const
{
    at::Tensor x = m_parts.finalNorm(hidden);
    if (m_parts.projectOut.defined())
        x = denseProduct(x, m_parts.projectOut);
    at::Tensor out = denseProduct(x, m_parts.head);
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
