// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/memory_use.h"

#include <fstream>
#include <sstream>
#include <string>

namespace sa
{

MemoryUse memoryUse()
{
    MemoryUse out;
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        std::istringstream words(line);
        std::string key;
        std::uint64_t kibibytes = 0;
        words >> key >> kibibytes;
        if (key == "VmRSS:")
            out.residentBytes = kibibytes * 1024;
        else if (key == "VmHWM:")
            out.peakBytes = kibibytes * 1024;
    }
    return out;
}

void resetPeakMemory() noexcept
{
    std::ofstream("/proc/self/clear_refs") << "5";
}

std::optional<std::uint64_t> availableMemory()
{
    std::ifstream info("/proc/meminfo");
    for (std::string key; info >> key;) {
        std::uint64_t kibibytes = 0;
        if (key == "MemAvailable:" && info >> kibibytes)
            return kibibytes << 10;
        info.ignore(1 << 10, '\n');
    }
    return std::nullopt;
}

} // namespace sa
