// SPDX-License-Identifier: GPL-3.0-or-later
// Cuts a byte stream into lines, for pipes, ssh and recorded sessions alike. Knows nothing about jobs.
#pragma once

#include "core/base/result.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sa
{

class LineBuffer
{
public:
    static constexpr std::size_t kMaxLineBytes = 1u << 20;
    explicit LineBuffer(std::size_t maxLineBytes = kMaxLineBytes)
        : m_maxLineBytes(maxLineBytes)
    {
    }

    /// Protocol error once a line is longer than the limit (its "\r" counts, its "\n" does not); at most the limit is
    /// ever buffered beyond complete lines. After the error the complete lines before it can still be taken, and
    /// nothing more is accepted.
    Result<void> feed(std::string_view bytes);
    /// The next complete line without its "\n" (and without a "\r" before it), or nothing.
    std::optional<std::string> next();
    /// Bytes of an unfinished last line.
    std::size_t pending() const { return m_buffer.size() - m_lineBegin; }

private:
    std::size_t m_maxLineBytes;
    std::string m_buffer;
    std::size_t m_begin = 0;     ///< of the first complete line that was not taken yet
    std::size_t m_lineBegin = 0; ///< of the unfinished last line
    bool m_broken = false;
};

} // namespace sa
