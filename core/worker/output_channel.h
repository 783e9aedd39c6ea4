// SPDX-License-Identifier: GPL-3.0-or-later
// The one writer of the protocol's output. Other threads hand it events; its own thread writes them, and a tick when a
// job is silent. A slow reader slows the job down and costs a bounded queue, never memory.
#pragma once

#include "core/base/json.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace sa
{

class OutputChannel
{
public:
    struct Options {
        std::chrono::milliseconds tickInterval{2000};
        std::chrono::milliseconds flushDeadline{
            5000};                             ///< of the destructor: what the reader did not take by then is lost
        std::size_t maxQueuedBytes = 4u << 20; ///< beyond it event() waits
    };
    /// Borrows `fd`, which must outlive the channel.
    OutputChannel(int fd, Options options);
    ~OutputChannel(); ///< writes what is queued, for `flushDeadline` at most
    OutputChannel(const OutputChannel&) = delete;
    OutputChannel& operator=(const OutputChannel&) = delete;

    void jobStarted(std::int64_t id); ///< ticks from here on
    /// From the job's thread; waits while the queue is full. A progress replaces an unsent one of the same job, all
    /// else is kept (but see stopWaiting).
    void event(std::int64_t id, const Json& event);
    /// {"result":...} or {"error":...}; the last line about this job. Never waits.
    void jobEnded(std::int64_t id, const Json& outcome);
    /// An answer of the reading thread. Never waits: a client that asks without end and reads nothing is cut off, and
    /// complaints about the connection (id 0) are dropped once enough of them are queued.
    void reply(std::int64_t id, const Json& event);

    void stopWaiting();  ///< from now on event() drops what finds no room: the end is near, and the job has to see it
    bool closed() const; ///< nobody reads any more

private:
    struct Line {
        std::int64_t id;
        bool isProgress;
        std::string text;
    };
    using Clock = std::chrono::steady_clock;

    void push(Line line); ///< with the lock held
    void run();
    bool write(const std::string& text); ///< false: nobody reads any more, or the deadline passed
    bool flushTimeIsUp() const;
    void close();

    const int m_fd;
    const Options m_options;

    mutable std::mutex m_mutex;
    std::condition_variable m_wake; ///< for the writer: something to write, or the end
    std::condition_variable m_room; ///< for event(): the queue shrank, or the end
    std::list<Line> m_queue;
    std::size_t m_queuedBytes = 0;
    std::optional<std::list<Line>::iterator> m_progress; ///< the unsent progress, if any
    std::int64_t m_job = 0;                              ///< 0: none runs
    Clock::time_point m_jobStart;
    Clock::time_point m_nextTick;
    std::optional<Clock::time_point> m_deadline; ///< set by the destructor: nothing new comes
    bool m_dropping = false;                     ///< set by stopWaiting()
    bool m_closed = false;
    std::thread m_writer; ///< last: starts when all else is there
};

} // namespace sa
