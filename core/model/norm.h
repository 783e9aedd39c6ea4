// SPDX-License-Identifier: GPL-3.0-or-later
// The norms of a decoder: RMS (plain, or with weight 1 + w) and layer norm.
#pragma once

#include "core/model/model_folder.h"

#include <ATen/core/Tensor.h>

namespace sa
{

class Norm
{
public:
    Norm() = default; ///< passes its input on
    /// Reads "<name>.weight" and, for layer norms, "<name>.bias"; neither where the configuration has plain norms.
    static Result<Norm> load(const ModelFolder& model, const std::string& name, at::Device device);
    /// weight: what x is multiplied with, for RmsPlusOne 1 + w; undefined: 1.
    Norm(NormKind kind, double epsilon, at::Tensor weight, at::Tensor bias);
    at::Tensor operator()(const at::Tensor& x) const; ///< over the last dimension
    /// One row of `width` floats on the CPU; out may be x.
    void row(const float* x, std::int64_t width, float* out) const;

    const std::optional<NormKind>& kind() const { return m_kind; }
    const at::Tensor& weight() const { return m_weight; } ///< f32 [width], what x is multiplied with; undefined: 1
    const at::Tensor& bias() const { return m_bias; }
    double epsilon() const { return m_epsilon; }

private:
    std::optional<NormKind> m_kind;
    at::Tensor m_weight, m_bias; ///< f32 [width]; RmsPlusOne keeps 1 + w
    double m_epsilon = 0;
};

} // namespace sa
