// SPDX-License-Identifier: GPL-3.0-or-later
// A linear layer, y = x W^T + c, with two bodies: dense float32, and sign planes on a kernel.
#pragma once

#include "core/checkpoint/packed_weight.h"

#include <ATen/core/Tensor.h>

#include <memory>

namespace sa
{

/// y = x W^T (+ c) for f32 x [T, K], W [N, K]. One token takes the matrix-vector routine: its dot products run along K
/// in many partial sums, which is faster and rounds less than the general product's single chain.
at::Tensor denseProduct(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias = {});

class Linear
{
public:
    virtual ~Linear() = default;
    virtual at::Tensor forward(const at::Tensor& x) const = 0; ///< x: f32 [..., K] -> f32 [..., N], same device
    virtual std::int64_t weightBytes() const = 0;              ///< resident bytes of the weight
    /// The same with its weight rounded to float16; null: it is as good as that already.
    virtual std::shared_ptr<const Linear> withHalfWeight() const { return nullptr; }
};

at::Tensor roundedToHalf(const at::Tensor& x); ///< f32 -> the nearest float16 values, as f32
/// The linear with weight, inputs and outputs rounded to float16.
std::shared_ptr<const Linear> inHalfPrecision(std::shared_ptr<const Linear> linear);

class DenseLinear final : public Linear
{
public:
    DenseLinear(at::Tensor weight, at::Tensor bias); ///< f32 [N,K]; f32 [N] or undefined
    at::Tensor forward(const at::Tensor& x) const override;
    std::int64_t weightBytes() const override;
    std::shared_ptr<const Linear> withHalfWeight() const override;
    const at::Tensor& weight() const { return m_weight; }
    const at::Tensor& bias() const { return m_bias; }

private:
    at::Tensor m_weight, m_bias;
};

/// Runs the planes directly (kernels/lut_gemm.h), between the transforms of the activations that they were made for: no
/// dense weight exists at any time. CPU.
/// Rows are split over threads; each output is summed in an order that no split changes.
class PlanesLinear final : public Linear
{
public:
    PlanesLinear(PackedWeight weight, at::Tensor bias);
    at::Tensor forward(const at::Tensor& x) const override;
    std::int64_t weightBytes() const override;

private:
    void transformInput(float* x, std::int64_t tokens) const;
    void restoreOutput(float* y, std::int64_t tokens) const;

    PackedWeight m_weight;
    at::Tensor m_bias;
    std::vector<std::uint32_t> m_inputSigns, m_outputSigns; ///< of the rotations; empty: there is none
};

} // namespace sa
