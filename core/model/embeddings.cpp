// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/embeddings.h"

#include "core/model/linear_loading.h"
#include "core/model/stored_linear.h"
#include "core/model/tensors.h"

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

/// The head in its own form; null: it is the embedding table.
Result<std::shared_ptr<const Linear>> readHead(const ModelFolder& model, at::Device device, PackedForm form)
{
    const std::string name(model.config.names.head);
    if (model.packedLayer(name)) {
        SA_TRY(auto bodies, readLinears(model, {headLayer(model.config)}, device, form));
        return std::shared_ptr<const Linear>(std::move(bodies.front()));
    }
    if (const ByteHeadInfo* bytes = model.byteHead()) {
        SA_TRY(const ByteWeight weight, readByteHead(model.store, *bytes));
        at::Tensor codes = at::empty({weight.N, weight.K}, at::kChar), scales = at::empty({weight.N}, at::kFloat);
        std::copy(weight.codes.begin(), weight.codes.end(), codes.data_ptr<std::int8_t>());
        std::copy(weight.scales.begin(), weight.scales.end(), scales.data_ptr<float>());
        return std::shared_ptr<const Linear>(std::make_shared<StoredLinear>(codes.to(device), scales.to(device)));
    }
    if (model.config.tiedHead)
        return std::shared_ptr<const Linear>();
    SA_TRY(at::Tensor table, readTable(model, name + ".weight", device));
    return std::shared_ptr<const Linear>(std::make_shared<StoredLinear>(std::move(table)));
}

} // namespace

Result<HeadInput> HeadInput::load(const ModelFolder& model, at::Device device)
{
    const ModelConfig& c = model.config;
    HeadInput out;
    if (c.finalNorm) {
        SA_TRY(out.norm, Norm::load(model, std::string(c.names.finalNorm), device));
    }
    if (c.embeddingWidth != c.hidden) {
        SA_TRY(out.project, readFloatTensor(model.store, std::string(c.names.projectOut) + ".weight", device));
    }
    return out;
}

at::Tensor HeadInput::operator()(const at::Tensor& hidden) const
{
    const at::Tensor x = norm(hidden);
    return project.defined() ? denseProduct(x, project) : x;
}

Result<Embeddings> Embeddings::load(const ModelFolder& model, at::Device device, PackedForm form)
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
    }
    SA_TRY(out.m_parts.headInput, HeadInput::load(model, device));
    SA_TRY(out.m_parts.head, readHead(model, device, form));
    out.m_sharedHead = !out.m_parts.head;
    if (out.m_sharedHead)
        out.m_parts.head = std::make_shared<StoredLinear>(out.m_parts.embedding);
    out.m_vocab = c.vocab;
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

at::Tensor Embeddings::logits(const at::Tensor& hidden) const
{
    at::Tensor out = m_parts.head->forward(m_parts.headInput(hidden));
    return m_parts.softcap ? out.div_(*m_parts.softcap).tanh_().mul_(*m_parts.softcap) : out;
}

std::int64_t Embeddings::weightBytes() const
{
    std::int64_t sum = m_sharedHead ? 0 : m_parts.head->weightBytes();
    for (const at::Tensor* tensor :
         {&m_parts.embedding, &m_parts.positions, &m_parts.projectIn, &m_parts.headInput.project})
        if (tensor->defined())
            sum += static_cast<std::int64_t>(tensor->nbytes());
    return sum;
}

} // namespace sa
