// SPDX-License-Identifier: GPL-3.0-or-later
// The worker for everybody in the window. A `doctor` job, and an `analyze` job that only estimates, are made for
// the user's information only, so they stand back: a job started while one runs cancels it, waits for its end, and then
// starts. Nobody blocks and nobody is refused for it.
#pragma once

#include "ui/worker/job_service.h"

#include <QHash>

#include <optional>

namespace sa::ui
{

class YieldingService final : public JobService
{
    Q_OBJECT
public:
    /// `inner` is borrowed and must outlive the service; nobody else starts jobs there.
    explicit YieldingService(JobService& inner, QObject* parent = nullptr);

    JobId start(const JobSpec& spec) override;
    void cancel(JobId id) override;
    /// A job that stands back does not count.
    bool isBusy() const override;

private:
    struct Waiting {
        JobId id;
        JobSpec spec;
    };

    void pass(JobId id, const JobSpec& spec);
    void dropWaiting();
    JobId take(JobId inner);
    template<class... Args> void relay(void (JobService::*signal)(JobId, Args...));

    JobService& m_inner;
    QHash<JobId, JobId> m_ids;        ///< inner to ours, of jobs whose end has not come
    JobId m_standingBack = 0;         ///< inner id of a job that runs and stands back
    std::optional<Waiting> m_waiting; ///< for the end of that job
    JobId m_lastId = 0;
};

} // namespace sa::ui
