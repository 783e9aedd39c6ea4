// SPDX-License-Identifier: GPL-3.0-or-later
// Where the program's own data lie: the sample model and the bundled texts.
#pragma once

#include <string>

namespace sa
{

/// Full path of resources/NAME ("sample-model", "sample-text/calibration.txt"), or "" when it is nowhere: looks at
/// $SHIFTADD_RESOURCES, then beside the program, in the installation's share folder, and in the source tree it was
/// built from.
std::string resourcePath(const std::string& name);

} // namespace sa
