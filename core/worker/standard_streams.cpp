// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/worker/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace sa
{

namespace
{

int stopPipe[2] = {-1, -1};

void onStopSignal(int)
{
    const int saved = errno;
    // A full pipe means that the request is already there.
    [[maybe_unused]] const ssize_t written = ::write(stopPipe[1], "x", 1);
    errno = saved;
}

/// A descriptor that the caller forgot to open would be taken by the next file, and libraries would print into it.
Result<void> openMissingStreams()
{
    for (int fd = 0; fd <= 2; ++fd) {
        if (::fcntl(fd, F_GETFD) != -1 || errno != EBADF)
            continue;
        if (::open("/dev/null", O_RDWR) != fd)
            return systemError(errno, "open", "/dev/null");
    }
    return {};
}

} // namespace

Result<ProtocolStreams> claimStandardStreams()
{
    SA_CHECK(openMissingStreams());
    ProtocolStreams streams;
    streams.input = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    if (streams.input < 0)
        return systemError(errno, "duplicate", "stdin");
    streams.output = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (streams.output < 0)
        return systemError(errno, "duplicate", "stdout");
    const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0)
        return systemError(errno, "open", "/dev/null");
    const bool replaced = ::dup2(null, STDIN_FILENO) >= 0 && ::dup2(STDERR_FILENO, STDOUT_FILENO) >= 0;
    const int error = errno;
    ::close(null);
    if (!replaced)
        return systemError(error, "replace", "stdin and stdout");
    return streams;
}

Result<int> catchStopSignals()
{
    if (::pipe2(stopPipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return systemError(errno, "create a pipe for", "signals");
    struct sigaction ignore {
    };
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, nullptr);
    struct sigaction stop {
    };
    stop.sa_handler = onStopSignal;
    stop.sa_flags = SA_RESTART;
    for (const int number : {SIGTERM, SIGINT, SIGHUP})
        ::sigaction(number, &stop, nullptr);
    return stopPipe[0];
}

} // namespace sa
