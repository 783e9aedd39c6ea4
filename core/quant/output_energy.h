// SPDX-License-Identifier: GPL-3.0-or-later
// What a layer's weight puts out on the calibration data, and what is lost of it: for methods that leave no such figure
// behind themselves (the column sweep does, algorithm 3.3).
#pragma once

#include <ATen/core/Tensor.h>

namespace sa
{

struct OutputEnergies {
    double lost = 0;  ///< tr(E H E^T), E = quantized - weight
    double whole = 0; ///< tr(W H W^T)
};
/// weight, quantized: f32 [N, K] on the CPU; hessian: [K, K] there, or undefined: the unit matrix. Same bits for any
/// number of threads.
OutputEnergies outputEnergies(const at::Tensor& weight, const at::Tensor& quantized, const at::Tensor& hessian);

} // namespace sa
