// SPDX-License-Identifier: GPL-3.0-or-later
// Where the program's own data lie: the sample model, the bundled texts, and what it keeps for another time.
#pragma once

#include <optional>
#include <string>

namespace sa
{

/// Full path of resources/NAME ("sample-model", "sample-text/calibration.txt"), or "" when it is nowhere: looks at
/// $SHIFTADD_RESOURCES, then beside the program, in the installation's share folder, and in the source tree it was
/// built from.
std::string resourcePath(const std::string& name);

/// $SHIFTADD_CACHE, $XDG_CACHE_HOME/shiftadd or ~/.cache/shiftadd; nothing when SHIFTADD_CACHE is "off" or there is no
/// home. It may not exist yet.
std::optional<std::string> userCacheFolder();

} // namespace sa
