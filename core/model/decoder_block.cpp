// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/decoder_block.h"

#include "core/model/gpu_linear.h"
#include "core/model/tensors.h"

#include <ATen/ATen.h>
#include <stdexcept>

namespace sa
{

namespace
{

Result<at::Tensor> readUnpacked(const ModelFolder& model, const PackedLayerInfo& layer)
{
    SA_TRY(const PackedWeight weight, readPacked(model.store, layer));
    at::Tensor values = at::empty({layer.N, layer.K}, at::kFloat);
    if (weight.unpack(values.data_ptr<float>()) != kernels::Status::Ok)
        return makeError(Errc::Internal, "the planes cannot be unpacked").in(model.path).at(display(layer.name));
    return values;
}

Result<std::unique_ptr<Linear>> readLinear(const ModelFolder& model, const LinearInfo& info, at::Device device,
                                           DecoderBlock::PackedForm form)
{
    at::Tensor bias;
    if (info.bias) {
        SA_TRY(bias, readFloatTensor(model.store, info.name + ".bias", device));
    }
    const PackedLayerInfo* packed = model.packedLayer(info.name);
    if (packed && form == DecoderBlock::PackedForm::Dense) {
        SA_TRY(const at::Tensor weight, readUnpacked(model, *packed));
        return std::unique_ptr<Linear>(std::make_unique<DenseLinear>(weight.to(device), std::move(bias)));
    }
    if (packed) {
        if (!device.is_cpu()) {
            SA_TRY(const PackedWeight weight, readPacked(model.store, *packed));
            auto linear = makeGpuLinear(weight, std::move(bias), device);
            return linear ? std::move(linear)
                          : Result<std::unique_ptr<Linear>>(std::move(linear).error().in(model.path));
        }
        SA_TRY(PackedWeight weight, readPacked(model.store, *packed));
        return std::unique_ptr<Linear>(std::make_unique<PlanesLinear>(std::move(weight), std::move(bias)));
    }
    SA_TRY(at::Tensor weight, readFloatTensor(model.store, info.name + ".weight", device));
    return std::unique_ptr<Linear>(std::make_unique<DenseLinear>(std::move(weight), std::move(bias)));
}

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

Result<DecoderBlock> DecoderBlock::load(const ModelFolder& model, int block, at::Device device, PackedForm form)
{
    const ModelConfig& c = model.config;
    const std::string prefix = c.blockPrefix(block);
    const auto norm = [&](std::string_view name) -> Result<Norm> {
        return name.empty() ? Norm() : Norm::load(model, prefix + std::string(name), device);
    };
    DecoderBlock out;
    out.m_shape = {c.heads,
                   c.kvHeads,
                   c.headDim,
                   c.normPlacement,
                   c.residualFromNorm,
                   c.gatedMlp,
                   c.fusedAttention,
                   c.windowOf(block) > 0,
                   c.activation,
                   {c.attentionScale, c.attentionSoftcap, c.windowOf(block)}};
    SA_TRY(out.m_attentionNorm, norm(c.names.attentionNorm));
    SA_TRY(out.m_attentionPostNorm, norm(c.names.attentionPostNorm));
    SA_TRY(out.m_mlpNorm, norm(c.names.mlpNorm));
    SA_TRY(out.m_mlpPostNorm, norm(c.names.mlpPostNorm));
    SA_TRY(out.m_queryNorm, norm(c.names.queryNorm));
    SA_TRY(out.m_keyNorm, norm(c.names.keyNorm));
    for (const auto& info : linearLayersOfBlock(c, block)) {
        SA_TRY(auto linear, readLinear(model, info, device, form));
        out.replaceLinear(info.role, std::move(linear));
    }
    return out;
}

const Linear& DecoderBlock::linear(LinearRole role) const
{
    const auto& body = m_linears[static_cast<std::size_t>(role)];
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
    return m_shape.placement == NormPlacement::After ? hidden : m_attentionNorm(hidden);
}

at::Tensor DecoderBlock::attentionMix(const at::Tensor& x, const PositionCodes& positions, KvCache* cache) const
{
    const std::int64_t T = x.size(0);
    auto [q, k, v] = project(x);
    q = m_queryNorm(q);
    k = m_keyNorm(k);
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
    return join(hidden, linear(LinearRole::Output).forward(mixed), m_attentionNorm, m_attentionPostNorm);
}

at::Tensor DecoderBlock::mlpInput(const at::Tensor& middle) const
{
    return m_shape.placement == NormPlacement::After ? middle : m_mlpNorm(middle);
}

at::Tensor DecoderBlock::mlpInner(const at::Tensor& x) const
{
    if (!m_shape.gatedMlp)
        return activate(m_shape.activation, linear(LinearRole::Up).forward(x));
    return activate(m_shape.activation, linear(LinearRole::Gate).forward(x)).mul_(linear(LinearRole::Up).forward(x));
}

at::Tensor DecoderBlock::mlpOutput(const at::Tensor& middle, const at::Tensor& inner) const
{
    return join(middle, linear(LinearRole::Down).forward(inner), m_mlpNorm, m_mlpPostNorm);
}

at::Tensor DecoderBlock::forward(const at::Tensor& hidden, const PositionCodes& positions, KvCache* cache) const
{
    const at::Tensor middle = attentionOutput(hidden, attentionMix(attentionInput(hidden), positions, cache));
    return mlpOutput(middle, mlpInner(mlpInput(middle)));
}

} // namespace sa
