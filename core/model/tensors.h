// SPDX-License-Identifier: GPL-3.0-or-later
// Tensors of a weight store as libtorch tensors.
#pragma once

#include "core/checkpoint/weight_store.h"

#include <ATen/core/Tensor.h>

namespace sa
{

/// Float32 on `device`, from F32, F16 or BF16. BadFormat when a value is NaN or infinite (the tensor is named).
Result<at::Tensor> readFloatTensor(const WeightStore& store, const std::string& name, at::Device device = at::kCPU);

/// While it lives, products of float32 matrices on a CUDA device run on its matrix units, which round factors to 11
/// significant bits and sum in float32 (TF32): for activations, which models in half precision round harder. Sums that
/// are factored later must not be taken under it. Does nothing for the CPU.
class CoarseProducts
{
public:
    explicit CoarseProducts(at::Device device);
    ~CoarseProducts();
    CoarseProducts(const CoarseProducts&) = delete;
    CoarseProducts& operator=(const CoarseProducts&) = delete;

private:
    bool m_active, m_before = false;
};

/// Tells libtorch, OpenMP and our own loops how many threads to use; 0 = one per core.
void setThreads(int threads);

/// "cpu", or "cuda:N" where libtorch has CUDA. Device error otherwise, with what there is.
Result<at::Device> parseDevice(const std::string& text);

} // namespace sa
