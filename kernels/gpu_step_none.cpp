// SPDX-License-Identifier: GPL-3.0-or-later
// The calls of gpu_step.h and gpu_chain.h in a build without CUDA's compiler.
#include "sa/kernels/gpu_chain.h"

namespace sa::kernels
{

Status gpuStepProduct(const GpuImage&, const void*, const StepInput&, const StepOutput&, void*,
                      const StepLaunch&) noexcept
{
    return Status::Unsupported;
}
Status gpuStepDense(const StepMatrix&, const StepInput&, const StepOutput&, float, const StepLaunch&) noexcept
{
    return Status::Unsupported;
}
Status gpuStepValue(const StepInput&, int, const StepOutput&, float, const StepLaunch&) noexcept
{
    return Status::Unsupported;
}
Status gpuStepEmbed(const StepEmbedding&, const std::int32_t*, float*, const StepLaunch&) noexcept
{
    return Status::Unsupported;
}
std::size_t stepAttentionScratchBytes(int, int) noexcept
{
    return 0;
}
Status gpuStepAttention(const StepAttention&, const std::int32_t*, const StepLaunch&) noexcept
{
    return Status::Unsupported;
}
Status gpuStepPick(const float*, int, std::int32_t*, std::int32_t*, const StepLaunch&) noexcept
{
    return Status::Unsupported;
}

Status gpuChainRun(const GpuChain&, void*, void*) noexcept
{
    return Status::Unsupported;
}

GpuGraph::~GpuGraph() = default;
Status GpuGraph::open(int) noexcept
{
    return Status::Unsupported;
}
Status GpuGraph::beginRecording() noexcept
{
    return Status::Unsupported;
}
Status GpuGraph::endRecording() noexcept
{
    return Status::Unsupported;
}
Status GpuGraph::replay(int) noexcept
{
    return Status::Unsupported;
}
Status GpuGraph::wait() noexcept
{
    return Status::Unsupported;
}
Status GpuGraph::time(int, double&) noexcept
{
    return Status::Unsupported;
}
std::int32_t* gpuMappedInts(int) noexcept
{
    return nullptr;
}
void gpuFreeMapped(std::int32_t*) noexcept {}

} // namespace sa::kernels
