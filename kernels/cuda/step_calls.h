// SPDX-License-Identifier: GPL-3.0-or-later
// What the calls of gpu_step.h share.
#pragma once

#include "kernels/cuda/calls.h"
#include "sa/kernels/gpu_step.h"

namespace sa::kernels::gpu
{

inline bool absentOrAligned(const void* pointer)
{
    return pointer == nullptr || !misaligned(pointer, 16);
}

inline Status checkStep(const StepInput& input, const StepOutput& output)
{
    return misaligned(input.x, 16) || misaligned(output.y, 4) || !absentOrAligned(input.factor) ||
                   !absentOrAligned(input.weight) || !absentOrAligned(input.bias)
               ? Status::BadPointer
               : Status::Ok;
}

inline Launch stepLaunch(dim3 grid, dim3 block, std::size_t sharedBytes, const StepLaunch& how)
{
    return {grid, block, sharedBytes, static_cast<cudaStream_t>(how.stream), how.overlapped};
}

/// Calls run(constant of the kind) for the kind of an input.
template<class Run> Status withInputKind(StepInputKind kind, Run run)
{
    switch (kind) {
    case StepInputKind::Plain:
        return run(std::integral_constant<StepInputKind, StepInputKind::Plain>());
    case StepInputKind::Rms:
        return run(std::integral_constant<StepInputKind, StepInputKind::Rms>());
    case StepInputKind::Layer:
        return run(std::integral_constant<StepInputKind, StepInputKind::Layer>());
    case StepInputKind::Activated:
        break;
    }
    return run(std::integral_constant<StepInputKind, StepInputKind::Activated>());
}

} // namespace sa::kernels::gpu
