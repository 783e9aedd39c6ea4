// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cuda/one_bit.cuh"

#include "kernels/cuda/calls.h"
#include "kernels/cuda/operand.cuh"

#include <algorithm>

namespace sa::kernels::gpu
{

namespace
{

template<int kTokens, int kStageCount>
Status runOneBit(const GpuPlan& plan, const OneBitArguments& arguments, const GpuCall& call)
{
    constexpr auto kernel = oneBitKernel<kTokens, kStageCount>;
    const std::size_t shared =
        ringBytes(kStageCount) + static_cast<std::size_t>(plan.windowChunks) * kTokens * kOperandBytes;
    if (const Status status = allowShared<kernel>(shared); status != Status::Ok)
        return status;
    return launch(
        {dim3(plan.blocks), dim3(kWarps * 32), shared, static_cast<cudaStream_t>(call.stream), call.overlapped}, kernel,
        arguments);
}

template<int kTokens> Status runStages(const GpuPlan& plan, const OneBitArguments& arguments, const GpuCall& call)
{
    switch (plan.stages) {
    case 3:
        return runOneBit<kTokens, 3>(plan, arguments, call);
    case 8:
        return runOneBit<kTokens, 8>(plan, arguments, call);
    case 12:
        return runOneBit<kTokens, 12>(plan, arguments, call);
    default:
        return Status::BadShape;
    }
}

/// One pass over the planes for up to kGpuTokens[index] tokens.
Status oneBitPass(const GpuImage& image, const GpuCall& call, int index, const float* x, int tokens, float* y)
{
    const GpuPlan& plan = image.plans[index];
    constexpr std::size_t kMost = kGpuTokens[kGpuPlans - 1];
    const auto groups = static_cast<std::size_t>(image.groups);
    char* const operand = static_cast<char*>(call.buffers.scratch);
    char* const sums = operand + aligned(kMost * groups * static_cast<std::size_t>(image.chunks) * kOperandBytes);
    char* const exponents =
        sums + aligned(kMost * groups * static_cast<std::size_t>(image.operandParts) * kOperandWarps * 8);

    const OperandArguments prologue{x,
                                    image.K,
                                    image.q,
                                    image.C,
                                    image.scaleColumns,
                                    image.chunks,
                                    image.groups,
                                    at<const PackedScale>(call.image, image.scales),
                                    reinterpret_cast<std::uint32_t*>(operand),
                                    reinterpret_cast<long long*>(sums),
                                    reinterpret_cast<int*>(exponents)};
    const dim3 grid(image.operandParts, image.groups, tokens);
    if (const Status status =
            launch({grid, dim3(kOperandThreads), 0, static_cast<cudaStream_t>(call.stream), call.overlapped},
                   operandKernel, prologue);
        status != Status::Ok)
        return status;

    const OneBitArguments arguments{at<const char>(call.image, image.planes),
                                    at<const Segment>(call.image, plan.segments),
                                    at<const Range>(call.image, plan.ranges),
                                    image.chunks,
                                    plan.windowChunks,
                                    call.prefetchBytes < 0 ? 4096 : call.prefetchBytes,
                                    operand,
                                    reinterpret_cast<const long long*>(sums),
                                    reinterpret_cast<const int*>(exponents),
                                    image.groups,
                                    image.operandParts * kOperandWarps,
                                    call.bias,
                                    y,
                                    call.ldy,
                                    tokens,
                                    static_cast<unsigned long long*>(call.buffers.zeroed)};
    switch (kGpuTokens[index]) {
    case 1:
        return runStages<1>(plan, arguments, call);
    case 2:
        return runStages<2>(plan, arguments, call);
    default:
        return runStages<4>(plan, arguments, call);
    }
}

} // namespace

Status oneBitProduct(const GpuImage& image, const GpuCall& call) noexcept
{
    for (int m = 0; m < call.M;) {
        int index = 0;
        while (index + 1 < kGpuPlans && kGpuTokens[index] < call.M - m)
            ++index;
        const int tokens = std::min(kGpuTokens[index], call.M - m);
        const float* x = call.x + static_cast<std::ptrdiff_t>(m) * image.K;
        if (const Status status = oneBitPass(image, call, index, x, tokens, call.y + m * call.ldy);
            status != Status::Ok)
            return status;
        m += tokens;
    }
    return Status::Ok;
}

} // namespace sa::kernels::gpu
