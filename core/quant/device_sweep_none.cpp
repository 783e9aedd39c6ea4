// SPDX-License-Identifier: GPL-3.0-or-later
// What a build without CUDA's compiler has in place of device_sweep.cpp.
#include "core/quant/device_sweep.h"

namespace sa
{

bool deviceSweepBuilt() noexcept
{
    return false;
}

Result<std::vector<DeviceOutcome>> sweepOnDevice(const std::vector<DeviceLayer>&, const SweepFactor&,
                                                 const SweepOptions&, const CancelToken&,
                                                 const std::function<void(SweepPhase)>&)
{
    return makeError(Errc::Device, "this build has no CUDA kernels").wanted("a build with nvcc (SA_CUDA=ON)");
}

void waitFor(at::Device) {}

std::uint64_t freeDeviceBytes(at::Device)
{
    return 0;
}

} // namespace sa
