// SPDX-License-Identifier: GPL-3.0-or-later
#include "sa/kernels/status.h"

namespace sa::kernels
{

const char* name(Status status) noexcept
{
    switch (status) {
    case Status::Ok:
        return "Ok";
    case Status::BadShape:
        return "BadShape";
    case Status::BadPointer:
        return "BadPointer";
    case Status::Unsupported:
        return "Unsupported";
    case Status::DeviceFailed:
        return "DeviceFailed";
    }
    return "Unknown";
}

} // namespace sa::kernels
