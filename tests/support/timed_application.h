// SPDX-License-Identifier: GPL-3.0-or-later
// How long the window's thread is away from its event loop, event by event.
#pragma once

#include <QApplication>
#include <QElapsedTimer>

#include <algorithm>
#include <ctime>
#include <vector>

namespace sa::ui
{

/// Times every event that comes from the loop while it is armed; what one event sends on is part of it.
class TimedApplication final : public QApplication
{
public:
    static constexpr double kFrameMs = 16;
    struct Figures {
        std::size_t events = 0;
        double longestMs = 0, p999Ms = 0;
        double busiestMs = 0;    ///< the most processor time of one event: what a busy machine adds is not in it
        std::ptrdiff_t late = 0; ///< took longer than a frame
    };

    using QApplication::QApplication;
    bool notify(QObject* receiver, QEvent* event) override
    {
        if (m_inside || !m_armed)
            return QApplication::notify(receiver, event);
        m_inside = true;
        QElapsedTimer clock;
        clock.start();
        const double before = processorMs();
        const bool handled = QApplication::notify(receiver, event);
        m_busiest = std::max(m_busiest, processorMs() - before);
        m_times.push_back(static_cast<double>(clock.nsecsElapsed()) * 1e-6);
        m_inside = false;
        return handled;
    }
    void arm()
    {
        m_armed = true;
        m_busiest = 0;
    }
    /// Of the events since arm().
    Figures disarm()
    {
        m_armed = false;
        std::vector<double> times = std::move(m_times);
        m_times.clear();
        if (times.empty())
            return {};
        std::sort(times.begin(), times.end());
        return {times.size(), times.back(), times[times.size() * 999 / 1000], m_busiest,
                times.end() - std::upper_bound(times.begin(), times.end(), kFrameMs)};
    }

private:
    static double processorMs()
    {
        timespec now{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
    }

    bool m_inside = false, m_armed = false;
    double m_busiest = 0;
    std::vector<double> m_times;
};

} // namespace sa::ui
