// SPDX-License-Identifier: GPL-3.0-or-later
// The machine's memory, as the kernel counts it: what this process takes, and what is left.
#pragma once

#include <cstdint>
#include <optional>

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

/// Free for new programs now (MemAvailable); nothing where the system does not say.
std::optional<std::uint64_t> availableMemory();

} // namespace sa
