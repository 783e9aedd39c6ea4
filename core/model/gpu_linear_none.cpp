// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/gpu_linear.h"

namespace sa
{

Result<std::vector<std::unique_ptr<Linear>>> makeGpuLinears(std::vector<GpuLayer>, at::Device device)
{
    return makeError(Errc::Unsupported, "this build runs packed models on the CPU only")
        .at("device")
        .butFound(device.str())
        .wanted("cpu")
        .tryThis("Build with CUDA's compiler and a libtorch that has CUDA");
}

std::optional<GpuPart> gpuPartOf(const Linear&)
{
    return std::nullopt;
}

} // namespace sa
