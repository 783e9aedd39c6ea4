// SPDX-License-Identifier: GPL-3.0-or-later
// One job from start to end, for whoever runs one at a time: open, check, export, generate.
#pragma once

#include "ui/worker/job_service.h"

#include <QObject>

namespace sa::ui
{

class SingleJob final : public QObject
{
    Q_OBJECT
public:
    using QObject::QObject;

    /// Forgets a job that still runs (its end goes unheard). `service` must outlive the job.
    void start(JobService& service, const JobSpec& spec);
    void cancel();
    /// Cancels; its end goes unheard.
    void forget();
    bool isRunning() const { return m_id != 0; }

Q_SIGNALS:
    void progressed(const sa::Progress& progress);
    void tokenArrived(const sa::Token& token);
    void noted(const sa::Note& note);
    void finished(const sa::Json& result);
    void failed(const sa::ui::JobFailure& failure);

private:
    void release();

    JobService* m_service = nullptr;
    JobId m_id = 0;
};

} // namespace sa::ui
