// SPDX-License-Identifier: GPL-3.0-or-later
// stdout as the results' own descriptor: complete writes, and a reader that went away is remembered, not fatal.
#pragma once

#include "core/base/cancel.h"
#include "core/base/result.h"

#include <string_view>

namespace sa::cli
{

class Output
{
public:
    /// Borrows both. `cancel` is set once nobody can read the results any more: `shiftadd ... | head` ends soon.
    Output(int fd, CancelToken& cancel)
        : m_fd(fd)
        , m_cancel(cancel)
    {
    }

    void write(std::string_view text);
    bool isTerminal() const;
    /// True after EPIPE: the reader left, which is its right.
    bool readerLeft() const { return m_readerLeft; }
    /// Any other failure (a full disk under a redirection).
    Result<void> status() const;

private:
    void fail(int error);

    int m_fd;
    CancelToken& m_cancel;
    bool m_readerLeft = false;
    int m_errno = 0;
};

} // namespace sa::cli
