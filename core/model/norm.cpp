// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/norm.h"

#include "core/model/tensors.h"

#include <ATen/ATen.h>

namespace sa
{

Result<Norm> Norm::load(const ModelFolder& model, const std::string& name, at::Device device)
{
    Norm norm;
    norm.m_kind = model.config.norm;
    norm.m_epsilon = model.config.normEpsilon;
    if (!model.config.normAffine)
        return norm;
    SA_TRY(norm.m_weight, readFloatTensor(model.store, name + ".weight", device));
    if (norm.m_kind == NormKind::RmsPlusOne)
        norm.m_weight = norm.m_weight + 1.0;
    if (norm.m_kind == NormKind::Layer) {
        SA_TRY(norm.m_bias, readFloatTensor(model.store, name + ".bias", device));
    }
    return norm;
}

Norm::Norm(NormKind kind, double epsilon, at::Tensor weight, at::Tensor bias)
    : m_kind(kind)
    , m_weight(std::move(weight))
    , m_bias(std::move(bias))
    , m_epsilon(epsilon)
{
}

at::Tensor Norm::operator()(const at::Tensor& x) const
{
    if (!m_kind)
        return x;
    if (m_kind == NormKind::Layer)
        return at::layer_norm(x, {x.size(-1)}, m_weight, m_bias, m_epsilon);
    const at::Tensor scaled = x * at::rsqrt(x.pow(2).mean(-1, /*keepdim=*/true) + m_epsilon);
    return m_weight.defined() ? scaled * m_weight : scaled;
}

} // namespace sa
