// SPDX-License-Identifier: GPL-3.0-or-later
// A linear whose weight stays as narrow as it is stored: float32, float16, bfloat16, or signed bytes with a scale a
// row. For the output head, all of which one token reads.
#pragma once

#include "core/model/linear.h"

#include <mutex>

namespace sa
{

class StoredLinear final : public Linear
{
public:
    /// weight: f32, f16, bf16 [N, K], contiguous; or i8 [N, K] with rowScales f32 [N] on the same device.
    explicit StoredLinear(at::Tensor weight, at::Tensor rowScales = {});

    /// One token on the CPU reads the weight as it is; other products are taken in float32, of bytes slab by slab.
    at::Tensor forward(const at::Tensor& x) const override;
    std::int64_t weightBytes() const override;

    const at::Tensor& weight() const { return m_weight; }
    const at::Tensor& rowScales() const { return m_rowScales; } ///< undefined but for bytes

private:
    at::Tensor row(const at::Tensor& x) const;   ///< x: f32 [1, K], contiguous, on the CPU
    at::Tensor slabs(const at::Tensor& x) const; ///< of bytes
    at::Tensor wide() const;                     ///< f32, made when it is first asked for

    at::Tensor m_weight, m_rowScales;
    mutable std::once_flag m_widened;
    mutable at::Tensor m_wide;
};

} // namespace sa
