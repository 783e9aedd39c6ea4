// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/decoder_block.h"

#include "core/model/linear_loading.h"

#include <ATen/ATen.h>
#include <stdexcept>

namespace sa
{

namespace
{

at::Tensor activate(Activation activation, const at::Tensor& x)
{
    switch (activation) {
    case Activation::Silu:
        return at::silu(x);
    case Activation::Relu:
        return at::relu(x);
    case Activation::Gelu:
        return at::gelu(x, "none");
    case Activation::GeluTanh:
        break;
    }
    return at::gelu(x, "tanh");
}

} // namespace

DecoderBlock::Shape DecoderBlock::shapeOf(const ModelConfig& c, int block)
{
    return {c.heads,
            c.kvHeads,
            c.headDim,
            c.normPlacement,
            c.residualFromNorm,
            c.gatedMlp,
            c.fusedAttention,
            c.windowOf(block) > 0,
            c.activation,
            {c.attentionScale, c.attentionSoftcap, c.windowOf(block)}};
}

Result<DecoderBlock> DecoderBlock::load(const ModelFolder& model, int block, at::Device device, PackedForm form)
{
    const ModelConfig& c = model.config;
    const std::string prefix = c.blockPrefix(block);
    const auto norm = [&](std::string_view name) -> Result<Norm> {
        return name.empty() ? Norm() : Norm::load(model, prefix + std::string(name), device);
    };
    DecoderBlock out;
    out.m_shape = shapeOf(c, block);
    SA_TRY(out.m_norms.attention, norm(c.names.attentionNorm));
    SA_TRY(out.m_norms.attentionPost, norm(c.names.attentionPostNorm));
    SA_TRY(out.m_norms.mlp, norm(c.names.mlpNorm));
    SA_TRY(out.m_norms.mlpPost, norm(c.names.mlpPostNorm));
    SA_TRY(out.m_norms.query, norm(c.names.queryNorm));
    SA_TRY(out.m_norms.key, norm(c.names.keyNorm));
    for (int input = 0; input < kLinearInputs; ++input) {
        const auto infos = linearLayersReading(c, block, static_cast<LinearInput>(input));
        SA_TRY(auto linears, readLinears(model, infos, device, form));
        for (std::size_t i = 0; i < infos.size(); ++i)
            out.replaceLinear(infos[i].role, std::move(linears[i]));
    }
    return out;
}

const Linear& DecoderBlock::linear(LinearRole role) const
{
    const Linear* body = find(role);
    if (!body)
        throw std::logic_error("this block has no linear of that role");
    return *body;
}

void DecoderBlock::replaceLinear(LinearRole role, std::shared_ptr<const Linear> linear)
{
    m_linears[static_cast<std::size_t>(role)] = std::move(linear);
}

void DecoderBlock::roundToHalf()
{
    for (auto& body : m_linears)
        if (body)
            body = inHalfPrecision(std::move(body));
}

std::int64_t DecoderBlock::weightBytes() const
{
    std::int64_t sum = 0;
    for (const auto& body : m_linears)
        sum += body ? body->weightBytes() : 0;
    return sum;
}

DecoderBlock::Queries DecoderBlock::project(const at::Tensor& x) const
{
    const std::int64_t T = x.size(0);
    const auto split = [&](const at::Tensor& y, std::int64_t count) {
        return y.view({T, count, m_shape.headDim}).transpose(0, 1);
    };
    if (m_shape.fusedAttention) {
        const at::Tensor fused =
            linear(LinearRole::QueryKeyValue).forward(x).view({T, m_shape.heads, 3, m_shape.headDim}).transpose(0, 1);
        return {fused.select(2, 0), fused.select(2, 1), fused.select(2, 2)};
    }
    return {split(linear(LinearRole::Query).forward(x), m_shape.heads),
            split(linear(LinearRole::Key).forward(x), m_shape.kvHeads),
            split(linear(LinearRole::Value).forward(x), m_shape.kvHeads)};
}

at::Tensor DecoderBlock::attentionInput(const at::Tensor& hidden) const
{
    return m_shape.placement == NormPlacement::After ? hidden : m_norms.attention(hidden);
}

at::Tensor DecoderBlock::attentionMix(const at::Tensor& x, const PositionCodes& positions, KvCache* cache) const
{
    const std::int64_t T = x.size(0);
    auto [q, k, v] = project(x);
    q = m_norms.query(q);
    k = m_norms.key(k);
    if (const Rotary* rotary = positions.rotaryFor(m_shape.windowed)) {
        q = rotary->apply(q);
        k = rotary->apply(k);
    }
    if (cache) {
        cache->keys.narrow(1, cache->length, T).copy_(k);
        cache->values.narrow(1, cache->length, T).copy_(v);
        cache->length += T;
        k = cache->keys.narrow(1, 0, cache->length);
        v = cache->values.narrow(1, 0, cache->length);
    }
    return causalAttention(q, k, v, positions.slopes, m_shape.attention)
        .transpose(0, 1)
        .reshape({T, m_shape.heads * m_shape.headDim});
}

/// The branch back onto the residual, with the norms where the family has them. `before` is the norm that made the
/// branch's input.
at::Tensor DecoderBlock::join(const at::Tensor& residual, const at::Tensor& branch, const Norm& before,
                              const Norm& after) const
{
    switch (m_shape.placement) {
    case NormPlacement::After:
        return before(residual + branch);
    case NormPlacement::Sandwich:
        return residual + after(branch);
    case NormPlacement::Before:
        break;
    }
    return (m_shape.residualFromNorm ? before(residual) : residual) + branch;
}

at::Tensor DecoderBlock::attentionOutput(const at::Tensor& hidden, const at::Tensor& mixed) const
{
    return join(hidden, linear(LinearRole::Output).forward(mixed), m_norms.attention, m_norms.attentionPost);
}

at::Tensor DecoderBlock::mlpInput(const at::Tensor& middle) const
{
    return m_shape.placement == NormPlacement::After ? middle : m_norms.mlp(middle);
}

at::Tensor DecoderBlock::mlpInner(const at::Tensor& x) const
{
    if (!m_shape.gatedMlp)
        return activate(m_shape.activation, linear(LinearRole::Up).forward(x));
    return activate(m_shape.activation, linear(LinearRole::Gate).forward(x)).mul_(linear(LinearRole::Up).forward(x));
}

at::Tensor DecoderBlock::mlpOutput(const at::Tensor& middle, const at::Tensor& inner) const
{
    return join(middle, linear(LinearRole::Down).forward(inner), m_norms.mlp, m_norms.mlpPost);
}

at::Tensor DecoderBlock::forward(const at::Tensor& hidden, const PositionCodes& positions, KvCache* cache) const
{
    const at::Tensor middle = attentionOutput(hidden, attentionMix(attentionInput(hidden), positions, cache));
    return mlpOutput(middle, mlpInner(mlpInput(middle)));
}

} // namespace sa
