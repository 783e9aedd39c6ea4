// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/table.cuh"

#include "kernels/cuda/calls.h"

namespace sa::kernels::gpu
{

Status tableProduct(const GpuImage& image, const GpuCall& call) noexcept
{
    const TableArguments arguments{at<const std::uint32_t>(call.image, image.planes),
                                   at<const float>(call.image, image.scales),
                                   at<const std::int32_t>(call.image, image.rowGroups),
                                   at<const RowBlock>(call.image, image.blockTable),
                                   image.N,
                                   image.K,
                                   image.q,
                                   image.C,
                                   image.groups,
                                   image.slices,
                                   call.x,
                                   static_cast<float*>(call.buffers.scratch)};
    const auto stream = static_cast<cudaStream_t>(call.stream);
    const bool perColumn = image.C == 1;
    const std::size_t shared =
        static_cast<std::size_t>(perColumn ? image.q : 1) * (kSlabColumns / 4) * 16 * sizeof(float);
    const Launch how{dim3(image.blocks, image.slices, call.M), dim3(kBlockRows), shared, stream};
    const Status status =
        perColumn ? launch(how, tableKernel<true>, arguments) : launch(how, tableKernel<false>, arguments);
    if (status != Status::Ok)
        return status;
    return launch({dim3((image.N + 255) / 256, call.M), dim3(256), 0, stream}, joinKernel,
                  static_cast<const float*>(arguments.partials), image.slices, image.N, call.bias, call.y, call.ldy);
}

} // namespace sa::kernels::gpu
