// SPDX-License-Identifier: GPL-3.0-or-later
// Takes stdin and stdout away from the libraries: they print, and the protocol owns those two pipes.
#pragma once

#include "core/base/result.h"

namespace sa
{

struct ProtocolStreams {
    int input = -1;  ///< what was fd 0; close-on-exec
    int output = -1; ///< what was fd 1; close-on-exec
};

/// The first thing in main(): afterwards fd 0 is /dev/null and fd 1 is stderr (each /dev/null where it was closed).
Result<ProtocolStreams> claimStandardStreams();

/// Ignores SIGPIPE (a closed pipe is an error value), and turns SIGTERM, SIGINT and SIGHUP into a byte on the
/// descriptor that is returned. Once per process.
Result<int> catchStopSignals();

} // namespace sa
