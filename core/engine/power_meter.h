// SPDX-License-Identifier: GPL-3.0-or-later
// Energy that the machine says it drew: the processor's packages through RAPL (Linux powercap), an NVIDIA device
// through its library, where one of them is there and may be read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace sa
{

class PowerMeter
{
public:
    virtual ~PowerMeter() = default;
    virtual const char* source() const = 0; ///< "rapl" or "nvml"
    /// Joules since some moment in the past; nothing when the reading fails. Differences count, not values.
    virtual std::optional<double> joules() = 0;
};

/// Null where nothing can be measured. `device`: "cpu" or "cuda:N". `root`: of the powercap tree, for tests.
std::unique_ptr<PowerMeter> openPowerMeter(const std::string& device, const std::string& root = "/sys/class/powercap");

} // namespace sa
