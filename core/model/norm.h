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
    at::Tensor operator()(const at::Tensor& x) const; ///< over the last dimension
    /// One row of `width` floats on the CPU; out may be x.
    void row(const float* x, std::int64_t width, float* out) const;

private:
    std::optional<NormKind> m_kind;
    at::Tensor m_weight, m_bias; ///< f32 [width]; RmsPlusOne keeps 1 + w
    double m_epsilon = 0;
};

} // namespace sa
