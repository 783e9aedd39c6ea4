// SPDX-License-Identifier: GPL-3.0-or-later
// What this process takes of the machine's memory, as the kernel counts it.
#pragma once

#include <cstdint>

namespace sa
{

struct MemoryUse {
    std::uint64_t residentBytes = 0; ///< now
    std::uint64_t peakBytes = 0;     ///< since it started, or since resetPeak()
};
/// Zeros where /proc does not say.
MemoryUse memoryUse();
/// Lets the peak start anew, where the kernel allows it.
void resetPeakMemory() noexcept;

} // namespace sa
