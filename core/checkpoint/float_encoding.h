// SPDX-License-Identifier: GPL-3.0-or-later
// Float values in the dtype that a file stores.
#pragma once

#include "core/base/result.h"
#include "core/checkpoint/tensor_info.h"

#include <cstddef>
#include <span>
#include <vector>

namespace sa
{

/// `values` as F32, F16 or BF16, rounded to nearest, ties to even. BadInput when a value is not finite there;
/// Unsupported for another dtype. The caller names the tensor.
Result<std::vector<std::byte>> encodeFloats(Dtype dtype, std::span<const float> values);

} // namespace sa
