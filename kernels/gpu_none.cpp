// SPDX-License-Identifier: GPL-3.0-or-later
// The calls of gpu.h in a build without CUDA's compiler: there is no device.
#include "sa/kernels/gpu.h"

namespace sa::kernels
{

int gpuCount() noexcept
{
    return 0;
}
Status gpuInfo(int, GpuInfo&) noexcept
{
    return Status::Unsupported;
}
Status gpuProduct(const GpuImage&, const GpuCall&) noexcept
{
    return Status::Unsupported;
}
Status gpuDense(const GpuImage&, const void*, int, int, GpuFloat, void*, void*) noexcept
{
    return Status::Unsupported;
}
Status gpuShiftAndRotate(const std::int8_t*, const std::uint32_t*, int, float*, int, std::ptrdiff_t, void*) noexcept
{
    return Status::Unsupported;
}
Status gpuRotateBack(const std::uint32_t*, int, float*, int, std::ptrdiff_t, void*) noexcept
{
    return Status::Unsupported;
}
const char* gpuLastError() noexcept
{
    return "this build has no CUDA";
}

} // namespace sa::kernels
