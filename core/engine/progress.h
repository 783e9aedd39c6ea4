// SPDX-License-Identifier: GPL-3.0-or-later
// Progress with rate and remaining time, at most 10 events a second.
#pragma once

#include "core/engine/job.h"

#include <chrono>
#include <string>

namespace sa
{

class ProgressMeter
{
public:
    ProgressMeter(const EventSink& emit, std::string phase, std::string unit, double of);
    /// Emits unless the last event is younger than 100 ms; the first and the complete one always go out.
    void update(double done, const std::string& step = {});
    /// So much was done before: it does not count for the rate, which is measured from now on.
    void startAt(double done);

private:
    using Clock = std::chrono::steady_clock;
    const EventSink& m_emit;
    std::string m_phase, m_unit, m_step;
    double m_of;
    double m_base = 0; ///< done before m_start
    Clock::time_point m_start = Clock::now();
    Clock::time_point m_lastEvent{};
    bool m_first = true;
};

} // namespace sa
