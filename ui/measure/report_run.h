// SPDX-License-Identifier: GPL-3.0-or-later
// Everything that a report needs, one worker job after the other: text, tasks, latency, and the certificate of it all.
// What a job finishes is kept by the engine, so that a run that was cancelled goes on where it stopped. Knows no
// widgets.
#pragma once

#include "ui/jobs/single_job.h"
#include "ui/measure/report_store.h"

#include <QObject>

#include <deque>

namespace sa::ui
{

struct ReportPlan {
    ReportSpec spec; ///< its files are filled in by the run
    bool latency = false;
};

class ReportRun final : public QObject
{
    Q_OBJECT
public:
    /// `service` is borrowed and must outlive the run. `place`: where results are kept.
    ReportRun(JobService& service, QString place, QObject* parent = nullptr);

    /// Does nothing while a run goes on.
    void start(const ReportPlan& plan);
    void cancel();
    bool isRunning() const { return m_running; }

Q_SIGNALS:
    void stepChanged(const QString& what);
    void progressed(const sa::Progress& progress);
    void noted(const sa::Note& note);
    void finished(const sa::ui::Report& report);
    void failed(const sa::ui::JobFailure& failure);

private:
    struct Step {
        QString what;
        JobSpec spec;
    };
    void prepare();
    void next();
    void onFinished(const Json& result);
    void collect(const Json& certificate);
    void end();
    void fail(const JobFailure& failure);
    QString file(const QString& name) const;

    JobService& m_service;
    QString m_place;
    SingleJob m_job;
    ReportPlan m_plan;
    QStringList m_stamps;
    std::deque<Step> m_steps;
    bool m_running = false, m_cancelled = false, m_timing = false;
};

} // namespace sa::ui
