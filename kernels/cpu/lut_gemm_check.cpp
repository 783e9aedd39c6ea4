// SPDX-License-Identifier: GPL-3.0-or-later
#include "kernels/cpu/lut_gemm_check.h"

namespace sa::kernels::cpu
{
namespace
{

bool usable(const float* pointer)
{
    return pointer != nullptr && reinterpret_cast<std::uintptr_t>(pointer) % alignof(float) == 0;
}

} // namespace

Status checkCall(const SignPlanes& w, const float* x, int M, const float* y, std::ptrdiff_t ldy, int rowBegin,
                 int rowEnd) noexcept
{
    if (const Status status = check(w); status != Status::Ok)
        return status;
    if (M < 0 || rowBegin < 0 || rowBegin > rowEnd || rowEnd > w.N)
        return Status::BadShape;
    if (M > 1 && ldy < w.N)
        return Status::BadShape;
    if (M == 0 || rowBegin == rowEnd)
        return Status::Ok;
    return usable(x) && usable(y) ? Status::Ok : Status::BadPointer;
}

} // namespace sa::kernels::cpu
