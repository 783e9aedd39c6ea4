// SPDX-License-Identifier: GPL-3.0-or-later
// What pages and run controllers see of a worker: start a job, cancel it, hear about it. WorkerClient is the real one;
// tests put a recorded session behind the same signals.
#pragma once

#include "core/protocol/job_spec.h"
#include "core/protocol/messages.h"

#include <QObject>
#include <QString>

namespace sa::ui
{

using JobId = qint64; ///< positive, never reused in a session

/// How a job ended without a result.
struct JobFailure {
    Error error;
    bool workerDied = false; ///< the process is gone; the next job starts a new one
    QString logTail;         ///< the worker's last words (stderr), unescaped; empty unless it died
};

class JobService : public QObject
{
    Q_OBJECT
public:
    using QObject::QObject;

    /// Returns at once. Exactly one of finished() and failed() follows for the id, never before this call has returned.
    virtual JobId start(const JobSpec& spec) = 0;
    /// Asks; the end arrives as failed() with Errc::Cancelled, or as finished() when the job was quicker.
    virtual void cancel(JobId id) = 0;
    /// A job started now would be refused, because another one is running.
    virtual bool isBusy() const = 0;

Q_SIGNALS:
    void progressed(sa::ui::JobId id, const sa::Progress& progress); ///< the latest, at most once a frame
    void layerFinished(sa::ui::JobId id, const sa::LayerResult& layer);
    void sensitivityArrived(sa::ui::JobId id, const sa::LayerSensitivity& layer);
    void tokenArrived(sa::ui::JobId id, const sa::Token& token);
    void noted(sa::ui::JobId id, const sa::Note& note);
    void finished(sa::ui::JobId id, const sa::Json& result);
    void failed(sa::ui::JobId id, const sa::ui::JobFailure& failure);
};

} // namespace sa::ui
