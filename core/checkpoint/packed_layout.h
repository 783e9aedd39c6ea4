// SPDX-License-Identifier: GPL-3.0-or-later
// What reader, writer and quantization_config agree on (docs/FORMAT.md): names, shapes, and which geometries exist.
#pragma once

#include "core/checkpoint/packed_checkpoint.h"

#include <optional>

namespace sa
{

inline constexpr const char* kPlanesSuffix = ".planes";
inline constexpr const char* kScalesSuffix = ".scales";
inline constexpr const char* kExponentsSuffix = ".exponents";
inline constexpr const char* kCodesSuffix = ".codes";
inline constexpr const char* kRowScalesSuffix = ".row_scales";
inline constexpr const char* kQuantMethod = "shiftadd";

std::vector<std::int64_t> planesShape(const PackedLayerInfo& info); ///< [ceil(K/32), q, N]
std::vector<std::int64_t> scalesShape(const PackedLayerInfo& info); ///< [ceil(K/C), q, ceil(N/R)]

/// Where content breaks the format although the shapes are right.
struct PlanesProblem {
    std::string message;
    std::string found;
};
/// First scale word that no encoder writes, or first padding bit that is set. The view must have passed kernels::check.
std::optional<PlanesProblem> findPlanesProblem(const kernels::SignPlanes& planes);

} // namespace sa
