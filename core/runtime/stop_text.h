// SPDX-License-Identifier: GPL-3.0-or-later
// Ends a streamed text where one of some given texts begins.
#pragma once

#include <string>
#include <vector>

namespace sa
{

class StopText
{
public:
    explicit StopText(std::vector<std::string> stops); ///< empty ones do not count
    /// Text that certainly stands before any stop; what may be the beginning of one is held back.
    std::string push(const std::string& piece);
    std::string finish(); ///< what was held back, when the text ends without a stop
    bool found() const { return m_found; }

private:
    std::vector<std::string> m_stops;
    std::string m_held;
    bool m_found = false;
};

} // namespace sa
