// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/jobs/single_job.h"

namespace sa::ui
{

void SingleJob::start(JobService& service, const JobSpec& spec)
{
    release();
    m_service = &service;
    m_id = service.start(spec);
    connect(&service, &JobService::progressed, this, [this](JobId id, const Progress& progress) {
        if (id == m_id)
            Q_EMIT progressed(progress);
    });
    connect(&service, &JobService::tokenArrived, this, [this](JobId id, const Token& token) {
        if (id == m_id)
            Q_EMIT tokenArrived(token);
    });
    connect(&service, &JobService::noted, this, [this](JobId id, const Note& note) {
        if (id == m_id)
            Q_EMIT noted(note);
    });
    connect(&service, &JobService::finished, this, [this](JobId id, const Json& result) {
        if (id != m_id)
            return;
        release();
        Q_EMIT finished(result);
    });
    connect(&service, &JobService::failed, this, [this](JobId id, const JobFailure& failure) {
        if (id != m_id)
            return;
        release();
        Q_EMIT failed(failure);
    });
}

void SingleJob::cancel()
{
    if (isRunning())
        m_service->cancel(m_id);
}

void SingleJob::forget()
{
    cancel();
    release();
}

void SingleJob::release()
{
    if (m_service)
        m_service->disconnect(this);
    m_service = nullptr;
    m_id = 0;
}

} // namespace sa::ui
