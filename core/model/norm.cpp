// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/norm.h"

#include "core/model/tensors.h"

#include <ATen/ATen.h>
#include <algorithm>
#include <cmath>

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

void Norm::row(const float* x, std::int64_t width, float* out) const
{
    if (!m_kind) {
        if (out != x)
            std::copy_n(x, width, out);
        return;
    }
    const double count = static_cast<double>(width);
    double mean = 0.0, squares = 0.0;
    if (m_kind == NormKind::Layer) {
        for (std::int64_t i = 0; i < width; ++i)
            mean += static_cast<double>(x[i]);
        mean /= count;
    }
    for (std::int64_t i = 0; i < width; ++i)
        squares += (static_cast<double>(x[i]) - mean) * (static_cast<double>(x[i]) - mean);
    const auto factor = static_cast<float>(1.0 / std::sqrt(squares / count + m_epsilon));
    const auto centre = static_cast<float>(mean);
    const float* weight = m_weight.defined() ? m_weight.data_ptr<float>() : nullptr;
    const float* bias = m_bias.defined() ? m_bias.data_ptr<float>() : nullptr;
    for (std::int64_t i = 0; i < width; ++i) {
        const float scaled = (x[i] - centre) * factor;
        out[i] = (weight ? scaled * weight[i] : scaled) + (bias ? bias[i] : 0.0F);
    }
}

} // namespace sa
