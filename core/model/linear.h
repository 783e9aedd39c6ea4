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

/// The product of one token in pieces that threads share. Pieces are cut by the shape alone and write rows of their
/// own, so that results do not depend on who takes which.
class RowPieces
{
public:
    virtual ~RowPieces() = default;
    virtual std::int64_t inputs() const = 0, outputs() const = 0; ///< K, N
    virtual std::int64_t pieces() const = 0;
    /// A piece's rows of y, f32 [N], from x, f32 [K].
    virtual void product(std::int64_t piece, const float* x, float* y) const = 0;
    /// Where these are set, x goes through prepare() before the pieces, and y through finish() after them.
    virtual bool prepares() const { return false; }
    virtual void prepare(float* x) const { static_cast<void>(x); }
    virtual bool finishes() const { return false; }
    virtual void finish(float* y) const { static_cast<void>(y); }
};

class Linear
{
public:
    virtual ~Linear() = default;
    virtual at::Tensor forward(const at::Tensor& x) const = 0; ///< x: f32 [..., K] -> f32 [..., N], same device
    virtual std::int64_t weightBytes() const = 0;              ///< resident bytes of the weight
    /// The same with its weight rounded to float16; null: it is as good as that already.
    virtual std::shared_ptr<const Linear> withHalfWeight() const { return nullptr; }
    virtual const RowPieces* rowPieces() const { return nullptr; } ///< null: `forward` is the only way
};

at::Tensor roundedToHalf(const at::Tensor& x); ///< f32 -> the nearest float16 values, as f32
/// The linear with weight, inputs and outputs rounded to float16.
std::shared_ptr<const Linear> inHalfPrecision(std::shared_ptr<const Linear> linear);

class DenseLinear final : public Linear, public RowPieces
{
public:
    DenseLinear(at::Tensor weight, at::Tensor bias); ///< f32 [N,K]; f32 [N] or undefined
    at::Tensor forward(const at::Tensor& x) const override;
    std::int64_t weightBytes() const override;
    std::shared_ptr<const Linear> withHalfWeight() const override;
    const at::Tensor& weight() const { return m_weight; }
    const at::Tensor& bias() const { return m_bias; }
    const RowPieces* rowPieces() const override;
    std::int64_t inputs() const override { return m_weight.size(1); }
    std::int64_t outputs() const override { return m_weight.size(0); }
    std::int64_t pieces() const override;
    void product(std::int64_t piece, const float* x, float* y) const override;

private:
    at::Tensor m_weight, m_bias;
};

/// Runs the planes directly (kernels/lut_gemm.h), between the transforms of the activations that they were made for.
/// CPU. Many tokens take a dense product with rows that are unpacked slab by slab: no dense weight exists at any time.
/// Rows are split over threads; each output is summed in an order that no split changes.
/// Fewer than `fastTokens` tokens go through tables of 14 bits where the weight has them (lutGemmFast).
class PlanesLinear final : public Linear, public RowPieces
{
public:
    PlanesLinear(PackedWeight weight, at::Tensor bias, std::int64_t fastTokens = 0);
    at::Tensor forward(const at::Tensor& x) const override;
    std::int64_t weightBytes() const override;
    const RowPieces* rowPieces() const override { return this; }
    std::int64_t inputs() const override { return m_weight.K; }
    std::int64_t outputs() const override { return m_weight.N; }
    std::int64_t pieces() const override;
    void product(std::int64_t piece, const float* x, float* y) const override;
    bool prepares() const override;
    void prepare(float* x) const override;
    bool finishes() const override { return !m_outputSigns.empty(); }
    void finish(float* y) const override;

private:
    void multiply(std::int64_t piece, const float* x, std::int64_t tokens, float* y) const;
    void multiplyUnpacked(const at::Tensor& x, float* y) const; ///< x: f32 [T, K]

    PackedWeight m_weight; ///< words in execution layout (kernels/lut_gemm.h)
    int m_tileRows = 1;
    std::int64_t m_fastTokens = 0;
    at::Tensor m_bias;
    std::vector<std::uint32_t> m_inputSigns, m_outputSigns; ///< of the rotations; empty: there is none
};

} // namespace sa
