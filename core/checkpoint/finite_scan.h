// SPDX-License-Identifier: GPL-3.0-or-later
// Looks for NaN and infinity in raw tensor data. Weights with either give models that run and talk nonsense, so they
// are refused where they come in and where they would go out.
#pragma once

#include "core/checkpoint/tensor_info.h"

#include <cstddef>
#include <optional>
#include <span>

namespace sa
{

struct NonFinite {
    std::size_t element = 0; ///< the first one, counted from the begin of `bytes`
    std::string text;        ///< "NaN", "+Inf", "-Inf"
};

/// `bytes` holds whole elements. Integers and the types that nobody computes with have no such values here.
std::optional<NonFinite> findNonFinite(Dtype dtype, std::span<const std::byte> bytes);

} // namespace sa
