// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/dense.cuh"

#include "kernels/cuda/calls.h"

namespace sa::kernels
{

namespace gpu
{

namespace
{

template<class Out> Status dense(const GpuImage& image, const DenseArguments& arguments, Out* out, cudaStream_t stream)
{
    const Launch how{dim3((arguments.rowEnd - arguments.rowBegin + 7) / 8), dim3(256), 0, stream};
    return image.path == GpuPath::OneBit ? launch(how, denseKernel<true, Out>, arguments, out)
                                         : launch(how, denseKernel<false, Out>, arguments, out);
}

} // namespace

} // namespace gpu

Status gpuDense(const GpuImage& image, const void* deviceImage, int rowBegin, int rowEnd, GpuFloat type, void* out,
                void* stream) noexcept
{
    if (rowBegin < 0 || rowBegin > rowEnd || rowEnd > image.N)
        return Status::BadShape;
    if (rowBegin == rowEnd)
        return Status::Ok;
    if (gpu::misaligned(deviceImage, 256) || gpu::misaligned(out, 4))
        return Status::BadPointer;
    const gpu::DenseArguments arguments{gpu::at<const std::uint32_t>(deviceImage, image.planes),
                                        gpu::at<const char>(deviceImage, image.scales),
                                        gpu::at<const gpu::Group>(deviceImage, image.groupTable),
                                        gpu::at<const std::int32_t>(deviceImage, image.rowGroups),
                                        image.N,
                                        image.K,
                                        image.q,
                                        image.C,
                                        image.scaleColumns,
                                        image.groups,
                                        image.chunks,
                                        rowBegin,
                                        rowEnd};
    const auto cudaStream = static_cast<cudaStream_t>(stream);
    return type == GpuFloat::F16 ? gpu::dense(image, arguments, static_cast<__half*>(out), cudaStream)
                                 : gpu::dense(image, arguments, static_cast<float*>(out), cudaStream);
}

} // namespace sa::kernels
