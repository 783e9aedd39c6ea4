// SPDX-License-Identifier: GPL-3.0-or-later
// What a kernel can answer. Kernels never allocate for the caller, print or throw.
#pragma once

namespace sa::kernels
{

enum class Status {
    Ok,
    BadShape,     ///< N, K, q or a group size out of range
    BadPointer,   ///< null or misaligned
    Unsupported,  ///< this build or this processor lacks the path
    DeviceFailed, ///< the accelerator reported an error
};

const char* name(Status status) noexcept;

} // namespace sa::kernels
