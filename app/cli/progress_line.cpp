// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/progress_line.h"

#include "app/cli/format.h"

#include <fmt/format.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace sa::cli
{

namespace
{

constexpr std::size_t kDefaultWidth = 80;
constexpr std::size_t kBarWidth = 24;
/// In a log: often enough to see that it lives, rarely enough to leave the log readable.
constexpr std::chrono::seconds kLogInterval{10};

std::size_t terminalWidth()
{
    winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return kDefaultWidth;
}

/// The terminal's encoding, as the C library would choose it (LC_ALL, LC_CTYPE, LANG).
bool localeIsUtf8()
{
    for (const char* variable : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const char* value = std::getenv(variable);
        if (!value || !*value)
            continue;
        const std::string_view text = value;
        return text.find("UTF-8") != text.npos || text.find("utf8") != text.npos;
    }
    return false;
}

std::string amount(const Progress& progress)
{
    // Fractions of a unit are for the bar; "38.1 layers" would only puzzle.
    const auto number = [](double value) { return formatCount(std::floor(value)); };
    std::string out = progress.of > 0 ? number(progress.done) + "/" + number(progress.of) : number(progress.done);
    if (!progress.unit.empty())
        out += " " + display(progress.unit, 40);
    return out;
}

std::string rate(const Progress& progress)
{
    return progress.rate ? formatNumber(*progress.rate, 3) + "/s" : std::string();
}

std::string remaining(const Progress& progress)
{
    if (!progress.remainingSeconds || (progress.of > 0 && progress.done >= progress.of))
        return {};
    return formatWholeSeconds(*progress.remainingSeconds) + " left";
}

std::string bar(double fraction, bool unicode)
{
    const auto filled = static_cast<std::size_t>(fraction * static_cast<double>(kBarWidth));
    std::string out;
    for (std::size_t i = 0; i < kBarWidth; ++i)
        out += i < filled ? (unicode ? "━" : "#") : (unicode ? "─" : "-");
    return out;
}

} // namespace

ProgressLine::ProgressLine()
    : m_isTerminal(::isatty(STDERR_FILENO) == 1)
    , m_unicode(localeIsUtf8())
{
}

std::string ProgressLine::render(const Progress& progress, std::size_t width, bool unicode)
{
    std::string line = display(progress.phase, 40);
    const std::string percent = progress.of > 0 ? fmt::format("{:3.0f} %", 100 * progress.fraction()) : std::string();
    for (const std::string& part : {percent, amount(progress), rate(progress), remaining(progress)})
        if (!part.empty())
            line += "  " + part;
    if (progress.of > 0 && displayWidth(line) + kBarWidth + 2 < width)
        line.insert(line.find("  "), "  " + bar(progress.fraction(), unicode));
    constexpr std::size_t leastStep = 12;
    const std::size_t used = displayWidth(line) + 2;
    if (!progress.step.empty() && used + leastStep < width)
        line += "  " + shortened(display(progress.step), width - used - 1);
    return shortened(line, width - 1);
}

std::string ProgressLine::sentence(const Progress& progress)
{
    std::string line = display(progress.phase, 40) + " " + amount(progress);
    for (const std::string& part : {rate(progress), remaining(progress)})
        if (!part.empty())
            line += ", " + part;
    return line;
}

void ProgressLine::update(const Progress& progress)
{
    if (m_isTerminal) {
        m_drawn = true;
        std::fputs(("\r\x1b[K" + render(progress, terminalWidth(), m_unicode)).c_str(), stderr);
        std::fflush(stderr);
        return;
    }
    const bool isNewPhase = progress.phase != m_phase;
    const bool isComplete = progress.of > 0 && progress.done >= progress.of;
    if (isNewPhase)
        m_completeShown = false;
    if (!isNewPhase && !(isComplete && !m_completeShown) && Clock::now() - m_lastLine < kLogInterval)
        return;
    m_phase = progress.phase;
    m_lastLine = Clock::now();
    m_completeShown = m_completeShown || isComplete;
    std::fputs((sentence(progress) + "\n").c_str(), stderr);
}

void ProgressLine::clear()
{
    if (!m_drawn)
        return;
    m_drawn = false;
    std::fputs("\r\x1b[K", stderr);
    std::fflush(stderr);
}

} // namespace sa::cli
