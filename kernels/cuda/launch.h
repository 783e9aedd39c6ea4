// SPDX-License-Identifier: GPL-3.0-or-later
// How kernels are launched: errors remembered per thread, overlap with the preceding kernel where it is asked for.
#pragma once

#include "sa/kernels/status.h"

#include <cuda_runtime.h>

#include <cstddef>

namespace sa::kernels::gpu
{

/// Ok, or DeviceFailed with the message kept for gpuLastError.
Status remember(cudaError_t error) noexcept;

struct Launch {
    dim3 grid, block;
    std::size_t sharedBytes = 0;
    cudaStream_t stream = nullptr;
    bool overlapped = false;
    bool together = false; ///< all blocks run at the same time, or none does; not with `overlapped`
};

template<class... Parameters>
Status launch(const Launch& how, void (*kernel)(Parameters...), const Parameters&... parameters) noexcept
{
    cudaLaunchAttribute attribute = {};
    if (how.together) {
        attribute.id = cudaLaunchAttributeCooperative;
        attribute.val.cooperative = 1;
    } else {
        attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
        attribute.val.programmaticStreamSerializationAllowed = 1;
    }
    cudaLaunchConfig_t config = {};
    config.gridDim = how.grid;
    config.blockDim = how.block;
    config.dynamicSmemBytes = how.sharedBytes;
    config.stream = how.stream;
    config.attrs = how.overlapped || how.together ? &attribute : nullptr;
    config.numAttrs = how.overlapped || how.together ? 1 : 0;
    return remember(cudaLaunchKernelEx(&config, kernel, parameters...));
}

} // namespace sa::kernels::gpu
