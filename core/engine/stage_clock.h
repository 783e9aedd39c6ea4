// SPDX-License-Identifier: GPL-3.0-or-later
// Where a quantize job spends its time, by input of the layers and by stage; what its result reports.
#pragma once

#include "core/base/json.h"
#include "core/engine/jobs.h"

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace sa
{

class StageClock
{
public:
    explicit StageClock(at::Device device)
        : m_device(device)
    {
    }
    /// Books the seconds since the last lap, or since the construction, under `place` and `stage`, once the device has
    /// done what it was given.
    void lap(const std::string& place, const std::string& stage);
    /// {place: {stage: seconds}}
    Json json() const;

private:
    at::Device m_device;
    Stopwatch m_watch;
    double m_last = 0;
    std::map<std::string, std::map<std::string, double>> m_seconds;
};

} // namespace sa
