// SPDX-License-Identifier: GPL-3.0-or-later
// The worker behind the pipe (docs/PROTOCOL.md): reads requests on the calling thread, which never computes, and hands
// jobs to one job thread and lines to one writer.
#pragma once

#include "core/protocol/messages.h"
#include "core/worker/job_thread.h"
#include "core/worker/output_channel.h"

namespace sa
{

struct WorkerPipes {
    int input = -1;
    int output = -1;
    int stop = -1; ///< readable: finish; -1: nobody asks
};

enum class LoopEnd {
    InputEnded,   ///< the client closed its end
    OutputClosed, ///< nobody reads any more
    Stopped,      ///< SIGTERM
    LineTooLong,  ///< the client broke the contract beyond repair
};

/// Says hello, serves until one of the ends above, cancels the running job and waits for its next step, and gives the
/// last lines `flushDeadline` to get out. The descriptors stay open.
LoopEnd runCommandLoop(const Hello& hello, WorkerPipes pipes, JobRunner runner, OutputChannel::Options options = {});

} // namespace sa
