// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/step_product.cuh"

#include "kernels/cuda/step_calls.h"

namespace sa::kernels
{

namespace gpu
{

namespace
{

template<StepInputKind kKind, int kStageCount>
Status runStepProduct(const StepProductArguments& arguments, int blocks, const StepLaunch& how)
{
    constexpr auto kernel = stepProductKernel<kKind, kStageCount>;
    const std::size_t shared =
        ringBytes(kStageCount) + static_cast<std::size_t>(arguments.windowChunks) * kOperandBytes;
    if (const Status status = allowShared<kernel>(shared); status != Status::Ok)
        return status;
    return launch(stepLaunch(dim3(blocks), dim3(kWarps * 32), shared, how), kernel, arguments);
}

} // namespace

} // namespace gpu

Status gpuStepProduct(const GpuImage& image, const void* deviceImage, const StepInput& input, const StepOutput& output,
                      void* zeroed, const StepLaunch& how) noexcept
{
    if (image.path != GpuPath::OneBit || image.K >= 1 << 16)
        return Status::Unsupported;
    const auto columns = static_cast<std::uint64_t>(image.C);
    if (gpu::misaligned(deviceImage, 256) || gpu::misaligned(zeroed, 256))
        return Status::BadPointer;
    if (const Status status = gpu::checkStep(input, output); status != Status::Ok)
        return status;
    const gpu::StepProductArguments arguments{
        gpu::at<const char>(deviceImage, image.planes),
        gpu::at<const gpu::Segment>(deviceImage, image.step.segments),
        gpu::at<const gpu::Range>(deviceImage, image.step.ranges),
        gpu::at<const float>(deviceImage, image.stepScales),
        gpu::at<const float>(deviceImage, image.stepMaxima),
        image.chunks,
        image.step.windowChunks,
        image.K,
        image.q,
        image.C,
        image.scaleColumns,
        static_cast<std::uint32_t>(((std::uint64_t(1) << 32) + columns - 1) / columns),
        input,
        output,
        static_cast<unsigned long long*>(zeroed)};
    return gpu::withInputKind(input.kind, [&](auto kind) {
        return image.step.stages == gpu::kStepStages
                   ? gpu::runStepProduct<kind(), gpu::kStepStages>(arguments, image.step.blocks, how)
                   : gpu::runStepProduct<kind(), gpu::kFewStages>(arguments, image.step.blocks, how);
    });
}

} // namespace sa::kernels
