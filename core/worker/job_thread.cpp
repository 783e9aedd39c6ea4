// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/worker/job_thread.h"

#include "core/protocol/messages.h"

#include <spdlog/spdlog.h>

#include <exception>
#include <new>

namespace sa
{

JobThread::JobThread(JobRunner runner, OutputChannel& output)
    : m_runner(std::move(runner))
    , m_output(output)
    , m_thread([this] { run(); })
{
}

JobThread::~JobThread()
{
    {
        const std::lock_guard lock(m_mutex);
        m_stopping = true;
        if (m_job)
            m_job->cancel.cancel();
        m_wake.notify_one();
    }
    m_thread.join();
}

std::int64_t JobThread::running() const
{
    const std::lock_guard lock(m_mutex);
    return m_job ? m_job->id : 0;
}

bool JobThread::start(std::int64_t id, JobSpec spec)
{
    const std::lock_guard lock(m_mutex);
    if (m_job)
        return false;
    m_job.reset(new Job{id, std::move(spec), {}});
    m_wake.notify_one();
    return true;
}

bool JobThread::cancel(std::int64_t id)
{
    const std::lock_guard lock(m_mutex);
    if (!m_job || m_job->id != id)
        return false;
    m_job->cancel.cancel();
    // Still locked: no answer about a job may follow its last line.
    m_output.reply(id, toJson(Cancelling{}));
    return true;
}

void JobThread::cancelAny()
{
    const std::lock_guard lock(m_mutex);
    if (m_job)
        m_job->cancel.cancel();
}

/// Jobs answer with values; what still arrives here as an exception is a bug that must not end the process.
Result<Json> JobThread::guarded(const Job& job) const
{
    try {
        return m_runner(
            job.spec, [&](const Json& event) { m_output.event(job.id, event); }, job.cancel);
    } catch (const std::bad_alloc&) {
        return makeError(Errc::OutOfMemory, "the host's memory is exhausted");
    } catch (const std::exception& error) {
        return makeError(Errc::Internal, error.what());
    }
}

void JobThread::run()
{
    std::unique_lock lock(m_mutex);
    while (true) {
        m_wake.wait(lock, [this] { return m_job || m_stopping; });
        if (!m_job)
            return;
        const Job& job = *m_job; // start() leaves it alone until it is reset below
        lock.unlock();
        m_output.jobStarted(job.id);
        spdlog::info("job {}: {}", job.id, kindOf(job.spec));
        const auto outcome = guarded(job);
        const std::int64_t id = job.id;
        if (!outcome)
            spdlog::info("job {}: {}: {}", id, name(outcome.error().code), outcome.error().sentence());
        lock.lock();
        m_job.reset();
        // Still locked: the next job cannot start ticking before this one's last line is queued.
        m_output.jobEnded(id, outcome ? toJson(JobResult{*outcome}) : toJson(outcome.error()));
    }
}

} // namespace sa
