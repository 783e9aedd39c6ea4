// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace sa::cli
{

void Output::write(std::string_view text)
{
    while (!text.empty() && !m_readerLeft && m_errno == 0) {
        const ssize_t count = ::write(m_fd, text.data(), text.size());
        if (count > 0) {
            text.remove_prefix(static_cast<std::size_t>(count));
        } else if (errno == EAGAIN) {
            pollfd wait{m_fd, POLLOUT, 0};
            ::poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            fail(errno);
        }
    }
}

void Output::fail(int error)
{
    if (error == EPIPE)
        m_readerLeft = true;
    else
        m_errno = error;
    m_cancel.cancel();
}

bool Output::isTerminal() const
{
    return ::isatty(m_fd) == 1;
}

Result<void> Output::status() const
{
    if (m_errno != 0)
        return systemError(m_errno, "write", "standard output");
    return {};
}

} // namespace sa::cli
