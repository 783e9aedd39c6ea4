// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/worker/output_channel.h"

#include "core/protocol/line_buffer.h"
#include "core/protocol/messages.h"

#include <spdlog/spdlog.h>

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace sa
{

namespace
{

constexpr std::size_t kMaxQueuedComplaints = 64;
/// A pipe that poll() calls writable takes this much without blocking (pipe(7), PIPE_BUF).
constexpr std::size_t kWriteChunk = 4096;
/// How often a writer that waits for a slow reader looks at the deadline.
constexpr int kPollMs = 100;

/// A line beyond the limit would make the other end give up the connection.
std::string lineWithinLimit(std::int64_t id, const Json& event)
{
    std::string line = eventLine(id, event);
    if (line.size() <= LineBuffer::kMaxLineBytes)
        return line;
    spdlog::error("a line of {} bytes was not sent", line.size());
    if (!event.contains("result") && !event.contains("error"))
        return {};
    return eventLine(id, toJson(makeError(Errc::Unsupported, "the result is too large for one line of the protocol")
                                    .butFound(std::to_string(line.size()) + " bytes")
                                    .wanted("at most " + std::to_string(LineBuffer::kMaxLineBytes))));
}

} // namespace

OutputChannel::OutputChannel(int fd, Options options)
    : m_fd(fd)
    , m_options(options)
    , m_writer([this] { run(); })
{
}

OutputChannel::~OutputChannel()
{
    {
        const std::lock_guard lock(m_mutex);
        m_deadline = Clock::now() + m_options.flushDeadline;
        m_wake.notify_one();
    }
    m_writer.join();
}

void OutputChannel::jobStarted(std::int64_t id)
{
    const std::lock_guard lock(m_mutex);
    m_job = id;
    m_jobStart = Clock::now();
    m_nextTick = m_jobStart + m_options.tickInterval;
    m_wake.notify_one();
}

void OutputChannel::event(std::int64_t id, const Json& event)
{
    std::string text = lineWithinLimit(id, event);
    if (text.empty())
        return;
    std::unique_lock lock(m_mutex);
    const auto isRoom = [this] { return m_queuedBytes <= m_options.maxQueuedBytes; };
    m_room.wait(lock, [&] { return isRoom() || m_dropping || m_closed; });
    if (isRoom())
        push({id, event.contains("progress"), std::move(text)});
}

void OutputChannel::jobEnded(std::int64_t id, const Json& outcome)
{
    std::string text = lineWithinLimit(id, outcome);
    const std::lock_guard lock(m_mutex);
    m_job = 0;
    push({id, false, std::move(text)});
}

void OutputChannel::reply(std::int64_t id, const Json& event)
{
    std::string text = lineWithinLimit(id, event);
    bool overrun = false;
    {
        const std::lock_guard lock(m_mutex);
        const auto isComplaint = [](const Line& line) { return line.id == 0; };
        if (id == 0 &&
            std::count_if(m_queue.begin(), m_queue.end(), isComplaint) >= std::ptrdiff_t{kMaxQueuedComplaints})
            return;
        overrun = m_queuedBytes > 2 * m_options.maxQueuedBytes;
        if (!overrun)
            push({id, false, std::move(text)});
    }
    if (overrun)
        close();
}

void OutputChannel::stopWaiting()
{
    const std::lock_guard lock(m_mutex);
    m_dropping = true;
    m_room.notify_all();
}

bool OutputChannel::closed() const
{
    const std::lock_guard lock(m_mutex);
    return m_closed;
}

void OutputChannel::push(Line line)
{
    if (m_closed)
        return;
    if (line.isProgress && m_progress && (*m_progress)->id == line.id) {
        m_queuedBytes -= (*m_progress)->text.size();
        m_queue.erase(*m_progress);
        m_progress.reset();
    }
    m_queuedBytes += line.text.size();
    m_queue.push_back(std::move(line));
    if (m_queue.back().isProgress)
        m_progress = std::prev(m_queue.end());
    m_wake.notify_one();
}

void OutputChannel::run()
{
    std::unique_lock lock(m_mutex);
    while (!m_closed) {
        const auto somethingToDo = [this] { return !m_queue.empty() || m_deadline || m_closed; };
        std::string text;
        if (m_job != 0 && Clock::now() >= m_nextTick) {
            text = eventLine(m_job, toJson(Tick{std::chrono::duration<double>(Clock::now() - m_jobStart).count()}));
            m_nextTick = Clock::now() + m_options.tickInterval;
        } else if (!m_queue.empty()) {
            if (m_progress == m_queue.begin())
                m_progress.reset();
            text = std::move(m_queue.front().text);
            m_queuedBytes -= text.size();
            m_queue.pop_front();
            m_room.notify_all();
        } else if (m_deadline) {
            return;
        } else {
            // A new job moves m_nextTick, hence the plain waits: the loop looks again at whatever woke it.
            if (m_job != 0)
                m_wake.wait_until(lock, m_nextTick, somethingToDo);
            else
                m_wake.wait(lock, [&] { return somethingToDo() || m_job != 0; });
            continue;
        }
        lock.unlock();
        if (!write(text))
            close();
        lock.lock();
    }
}

bool OutputChannel::flushTimeIsUp() const
{
    const std::lock_guard lock(m_mutex);
    return m_closed || (m_deadline && Clock::now() >= *m_deadline);
}

bool OutputChannel::write(const std::string& text)
{
    std::size_t done = 0;
    while (done < text.size()) {
        if (flushTimeIsUp())
            return false;
        pollfd output{m_fd, POLLOUT, 0};
        const int ready = ::poll(&output, 1, kPollMs);
        if (ready < 0 && errno != EINTR)
            return false;
        if (ready > 0 && (output.revents & (POLLERR | POLLNVAL)) != 0)
            return false;
        if (ready <= 0)
            continue;
        const ssize_t count = ::write(m_fd, text.data() + done, std::min(kWriteChunk, text.size() - done));
        if (count < 0 && errno != EINTR && errno != EAGAIN)
            return false;
        if (count > 0)
            done += static_cast<std::size_t>(count);
    }
    return true;
}

void OutputChannel::close()
{
    const std::lock_guard lock(m_mutex);
    m_closed = true;
    m_queue.clear();
    m_progress.reset();
    m_queuedBytes = 0;
    m_wake.notify_one();
    m_room.notify_all();
}

} // namespace sa
