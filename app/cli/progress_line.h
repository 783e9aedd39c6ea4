// SPDX-License-Identifier: GPL-3.0-or-later
// Progress on stderr: one line that is drawn over on a terminal, a plain line now and then in a log.
#pragma once

#include "core/protocol/messages.h"

#include <chrono>
#include <string>

namespace sa::cli
{

class ProgressLine
{
public:
    ProgressLine();
    ~ProgressLine() { clear(); }
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

    void update(const Progress& progress);
    void clear(); ///< before anything else is printed

    /// Width-limited text of one state; the bar is left out where there is no room for it.
    static std::string render(const Progress& progress, std::size_t width, bool unicode);
    /// For logs: "quantize 19/42 layers, 2.1/s, 11 s left".
    static std::string sentence(const Progress& progress);

private:
    using Clock = std::chrono::steady_clock;
    bool m_isTerminal;
    bool m_unicode;
    bool m_drawn = false;
    std::string m_phase;
    Clock::time_point m_lastLine;
    bool m_completeShown = false;
};

} // namespace sa::cli
