// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/runtime/stop_text.h"

#include <algorithm>
#include <utility>

namespace sa
{

StopText::StopText(std::vector<std::string> stops)
    : m_stops(std::move(stops))
{
    m_stops.erase(std::remove(m_stops.begin(), m_stops.end(), std::string()), m_stops.end());
}

std::string StopText::push(const std::string& piece)
{
    if (m_found)
        return {};
    m_held += piece;
    std::size_t end = std::string::npos;
    for (const std::string& stop : m_stops)
        end = std::min(end, m_held.find(stop));
    m_found = end != std::string::npos;
    if (!m_found) {
        // The longest end of the text that a stop could begin with.
        end = m_held.size();
        for (const std::string& stop : m_stops)
            for (std::size_t length = std::min(stop.size() - 1, m_held.size()); length > 0; --length)
                if (m_held.compare(m_held.size() - length, length, stop, 0, length) == 0) {
                    end = std::min(end, m_held.size() - length);
                    break;
                }
    }
    std::string out = m_held.substr(0, end);
    m_held.erase(0, m_found ? std::string::npos : end);
    return out;
}

std::string StopText::finish()
{
    return std::exchange(m_held, {});
}

} // namespace sa
