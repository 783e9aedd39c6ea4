// SPDX-License-Identifier: GPL-3.0-or-later
// Sign planes on a CUDA device (kernels/gpu.h): planes stay packed, and are read as they are for up to eight tokens.
// More tokens than that take a dense product in float32 with rows that are unpacked slab by slab.
//
// Layers of one input (query, key and value; gate and up) share an image: they are multiplied together, with one
// operand.
#pragma once

#include "core/base/result.h"
#include "core/model/linear.h"
#include "sa/kernels/gpu.h"

#include <c10/core/Device.h>
#include <memory>
#include <span>

namespace sa
{

/// A packed layer on its way to a device.
struct GpuLayer {
    PackedWeight weight;
    at::Tensor bias; ///< f32 [N] on the device, or undefined
};

/// Whether `second` can be multiplied together with `first`: same planes and columns, same transform of the input.
bool shareImage(const PackedWeight& first, const PackedWeight& second);

/// What layers of one input have in common on the device. Rows of the parts follow each other.
struct GpuPlanes {
    struct Part {
        int rowBegin = 0, N = 0;
        at::Tensor bias;        ///< f32 [N] or undefined
        at::Tensor outputSigns; ///< words of the rotation back, or undefined
    };
    kernels::GpuImage image;
    at::Tensor bytes;      ///< of the image
    at::Tensor exponents;  ///< i8 [K] or undefined
    at::Tensor inputSigns; ///< words of the rotation, or undefined
    std::vector<Part> parts;
    bool overlapped = false; ///< the device can start kernels early
};

/// A body for each layer, in order; consecutive layers that can share an image do. Unsupported in a build without CUDA;
/// Device when the device fails.
Result<std::vector<std::unique_ptr<Linear>>> makeGpuLinears(std::vector<GpuLayer> layers, at::Device device);

/// Which part of which planes a body is; null for other bodies.
struct GpuPart {
    std::shared_ptr<const GpuPlanes> planes;
    std::size_t part = 0;
};
std::optional<GpuPart> gpuPartOf(const Linear& linear);

/// Buffers that all products of a device share, which run one after another. Zeroed: all 0 between products.
kernels::GpuBuffers sharedGpuBuffers(at::Device device, const kernels::GpuImage& image);

} // namespace sa
