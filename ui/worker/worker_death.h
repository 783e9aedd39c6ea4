// SPDX-License-Identifier: GPL-3.0-or-later
// What to tell the user when the worker process is gone: how it ended, where it was, what to do.
#pragma once

#include "core/base/error.h"
#include "core/protocol/messages.h"

#include <QProcess>
#include <QString>

#include <optional>

namespace sa::ui
{

struct WorkerExit {
    bool crashed = false; ///< by a signal
    int code = 0;         ///< exit status, or the signal's number
};

/// "SIGSEGV" for 11; "signal 63" for one without a name.
QString signalName(int number);
/// "it was killed by signal 9 (SIGKILL)", "it ended with exit status 3"
QString exitText(const WorkerExit& exit);
/// The error of a job that lost its worker. `last`: the job's last progress, where it had one.
Error deathError(const WorkerExit& exit, const std::optional<Progress>& last);
/// The error of a worker that could not be started at all.
Error startError(const QString& program, const QString& reason);

} // namespace sa::ui
