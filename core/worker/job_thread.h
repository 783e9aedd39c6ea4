// SPDX-License-Identifier: GPL-3.0-or-later
// The one thread that computes. It lives as long as the worker, since the thread pools of the numeric libraries are
// bound to the thread that first used them.
#pragma once

#include "core/engine/job.h"
#include "core/worker/output_channel.h"

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace sa
{

/// `runJob`, or a stand-in of a test.
using JobRunner = std::function<Result<Json>(const JobSpec&, const EventSink&, const CancelToken&)>;

class JobThread
{
public:
    /// Borrows `output`, which must outlive it.
    JobThread(JobRunner runner, OutputChannel& output);
    ~JobThread(); ///< cancels what runs and waits for its next step
    JobThread(const JobThread&) = delete;
    JobThread& operator=(const JobThread&) = delete;

    /// The id of the running job, 0 if there is none. A job is over before its result is on the wire, so that a client
    /// that has read the result may ask for the next one.
    std::int64_t running() const;
    /// False when a job is running already.
    bool start(std::int64_t id, JobSpec spec);
    /// Says so on the wire at once, however long the job's step takes. False when this job is not running (any more).
    bool cancel(std::int64_t id);
    void cancelAny();

private:
    struct Job {
        std::int64_t id;
        JobSpec spec;
        CancelToken cancel;
    };
    void run();
    Result<Json> guarded(const Job& job) const;

    const JobRunner m_runner;
    OutputChannel& m_output;
    mutable std::mutex m_mutex;
    std::condition_variable m_wake;
    std::unique_ptr<Job> m_job; ///< set by start(), reset by the thread
    bool m_stopping = false;
    std::thread m_thread;
};

} // namespace sa
