// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/gpu_linear.h"

namespace sa
{

Result<std::unique_ptr<Linear>> makeGpuLinear(const PackedWeight&, at::Tensor, at::Device device)
{
    return makeError(Errc::Unsupported, "this build runs packed models on the CPU only")
        .at("device")
        .butFound(device.str())
        .wanted("cpu")
        .tryThis("Build with CUDA's compiler and a libtorch that has CUDA");
}

} // namespace sa
