// SPDX-License-Identifier: GPL-3.0-or-later
// A model's tensors and names in the terms of kernels/gpu_step.h.
#pragma once

#include "core/model/norm.h"
#include "sa/kernels/gpu_step.h"

#include <ATen/ATen.h>

namespace sa::step
{

inline const float* floats(const at::Tensor& tensor)
{
    return tensor.defined() ? tensor.data_ptr<float>() : nullptr;
}

inline kernels::StepFloat typeOf(const at::Tensor& tensor)
{
    return tensor.scalar_type() == at::kHalf       ? kernels::StepFloat::F16
           : tensor.scalar_type() == at::kBFloat16 ? kernels::StepFloat::BF16
           : tensor.scalar_type() == at::kChar     ? kernels::StepFloat::I8
                                                   : kernels::StepFloat::F32;
}

inline kernels::StepActivation activationOf(Activation activation)
{
    switch (activation) {
    case Activation::Silu:
        return kernels::StepActivation::Silu;
    case Activation::Relu:
        return kernels::StepActivation::Relu;
    case Activation::Gelu:
        return kernels::StepActivation::Gelu;
    case Activation::GeluTanh:
        break;
    }
    return kernels::StepActivation::GeluTanh;
}

/// An input of products, with tensors for what the model owns.
struct Input {
    kernels::StepInput what;
    at::Tensor weight, bias;
};

inline Input plain(const at::Tensor& x)
{
    Input input;
    input.what.x = floats(x);
    return input;
}
inline Input normOf(const Norm& norm, const at::Tensor& x)
{
    Input input = plain(x);
    if (!norm.kind())
        return input;
    input.what.kind = *norm.kind() == NormKind::Layer ? kernels::StepInputKind::Layer : kernels::StepInputKind::Rms;
    input.what.epsilon = static_cast<float>(norm.epsilon());
    input.weight = norm.weight();
    input.bias = norm.bias();
    return input;
}
inline kernels::StepInput ready(const Input& input)
{
    kernels::StepInput what = input.what;
    what.weight = floats(input.weight);
    what.bias = floats(input.bias);
    return what;
}

} // namespace sa::step
