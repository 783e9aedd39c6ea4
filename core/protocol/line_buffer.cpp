// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/protocol/line_buffer.h"

namespace sa
{

Result<void> LineBuffer::feed(std::string_view bytes)
{
    if (m_broken)
        return makeError(Errc::Protocol, "the stream was given up after a line that was too long");
    // What next() consumed is dropped here, once per feed, so that a burst of short lines stays linear.
    m_buffer.erase(0, m_begin);
    m_lineBegin -= m_begin;
    m_begin = 0;
    while (!bytes.empty()) {
        const auto newline = bytes.find('\n');
        const std::size_t part = newline == std::string_view::npos ? bytes.size() : newline;
        if (pending() + part > m_maxLineBytes) {
            m_buffer.resize(m_lineBegin);
            m_broken = true;
            return makeError(Errc::Protocol, "a line is too long")
                .wanted("at most " + std::to_string(m_maxLineBytes) + " bytes a line");
        }
        m_buffer.append(bytes.substr(0, part));
        bytes.remove_prefix(part);
        if (!bytes.empty()) {
            m_buffer += '\n';
            m_lineBegin = m_buffer.size();
            bytes.remove_prefix(1);
        }
    }
    return {};
}

std::optional<std::string> LineBuffer::next()
{
    if (m_begin == m_lineBegin)
        return std::nullopt;
    const std::size_t end = m_buffer.find('\n', m_begin);
    std::string line = m_buffer.substr(m_begin, end - m_begin);
    m_begin = end + 1;
    if (!line.empty() && line.back() == '\r')
        line.pop_back();
    return line;
}

} // namespace sa
