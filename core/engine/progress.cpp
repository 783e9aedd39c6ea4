// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/progress.h"

#include "core/protocol/messages.h"

namespace sa
{

ProgressMeter::ProgressMeter(const EventSink& emit, std::string phase, std::string unit, double of)
    : m_emit(emit)
    , m_phase(std::move(phase))
    , m_unit(std::move(unit))
    , m_of(of)
{
}

void ProgressMeter::update(double done, const std::string& step)
{
    constexpr std::chrono::milliseconds kInterval(100);
    constexpr double kSecondsBeforeRate = 0.3; // the first moments say nothing about the rest
    const auto now = Clock::now();
    if (!m_first && done < m_of && now - m_lastEvent < kInterval)
        return;
    m_first = false;
    m_lastEvent = now;

    Progress progress;
    progress.phase = m_phase;
    progress.unit = m_unit;
    progress.step = step;
    progress.done = done;
    progress.of = m_of;
    const double seconds = std::chrono::duration<double>(now - m_start).count();
    if (seconds > kSecondsBeforeRate && done > m_base) {
        progress.rate = (done - m_base) / seconds;
        progress.remainingSeconds = (m_of - done) / *progress.rate;
    }
    m_emit(toJson(progress));
}

void ProgressMeter::startAt(double done)
{
    m_base = done;
    m_start = Clock::now();
}

} // namespace sa
