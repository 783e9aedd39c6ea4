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
    out.m_scale = c.embeddingScale;
    out.m_learnedOffset = c.learnedOffset;
    out.m_softcap = c.headSoftcap;
    SA_TRY(out.m_embedding, readFloatTensor(model.store, model.embeddingTensor(), device));
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
        SA_TRY(out.m_head, weight(c.names.head));
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
    at::Tensor x = m_embedding.index_select(0, index.to(m_embedding.device()));
    if (m_scale != 1.0)
        x.mul_(m_scale);
    if (m_projectIn.defined())
        x = denseProduct(x, m_projectIn);
    if (m_positions.defined())
        x = x + m_positions.narrow(0, m_learnedOffset + firstPosition, count);
    return m_embeddingNorm(x);
}

at::Tensor Embeddings::logits(const at::Tensor& hidden) const
{
    at::Tensor x = m_finalNorm(hidden);
    if (m_projectOut.defined())
        x = denseProduct(x, m_projectOut);
    at::Tensor out = denseProduct(x, m_head);
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
