// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/stage_clock.h"

#include "core/quant/device_sweep.h"

namespace sa
{

void StageClock::lap(const std::string& place, const std::string& stage)
{
    waitFor(m_device);
    const double now = m_watch.seconds();
    m_seconds[place][stage] += now - m_last;
    m_last = now;
}

Json StageClock::json() const
{
    Json out = Json::object();
    for (const auto& [place, stages] : m_seconds)
        for (const auto& [stage, seconds] : stages)
            out[place][stage] = seconds;
    return out;
}

} // namespace sa
