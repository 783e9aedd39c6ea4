// SPDX-License-Identifier: GPL-3.0-or-later
// Sign planes on a CUDA device (kernels/gpu.h): planes stay packed, and are read as they are for up to eight tokens.
// More tokens than that take a dense product in float32 with rows that are unpacked slab by slab.
#pragma once

#include "core/base/result.h"
#include "core/model/linear.h"

#include <c10/core/Device.h>
#include <memory>

namespace sa
{

/// bias: f32 [N] on `device`, or undefined. Unsupported in a build without CUDA; Device when the device fails.
Result<std::unique_ptr<Linear>> makeGpuLinear(const PackedWeight& weight, at::Tensor bias, at::Device device);

} // namespace sa
