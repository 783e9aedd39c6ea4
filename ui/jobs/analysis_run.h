// SPDX-License-Identifier: GPL-3.0-or-later
// One `analyze` job: linears as they become known, at most once a frame, and at its end the whole from its file. Knows
// no widgets; talks to a JobService.
#pragma once

#include "core/alloc/sensitivity.h"
#include "ui/worker/job_service.h"

#include <QObject>
#include <QTimer>

#include <map>
#include <memory>

namespace sa::ui
{

class AnalysisRun final : public QObject
{
    Q_OBJECT
public:
    /// `service` is borrowed and must outlive the run.
    explicit AnalysisRun(JobService& service, QObject* parent = nullptr);
    ~AnalysisRun() override;

    /// Does nothing while a run goes on. Without `spec.saveTo`, the result is left in a temporary file and read from
    /// there.
    void start(AnalyzeSpec spec);
    void cancel();
    /// Cancels; its end goes unheard.
    void forget();
    bool isRunning() const { return m_job != 0 || m_reading; }
    const AnalyzeSpec& spec() const { return m_spec; }

Q_SIGNALS:
    void started();
    void progressed(const sa::Progress& progress);
    void arrived(const std::vector<sa::LinearSensitivity>& linears);
    void noted(const sa::Note& note);
    void finished(const std::shared_ptr<sa::Sensitivity>& sensitivity, bool cached);
    /// Errc::Cancelled when the user wanted it so. What has arrived stays true.
    void failed(const sa::ui::JobFailure& failure);

private:
    void flush();
    void onFinished(const Json& result);
    void fail(const JobFailure& failure);
    void removeTemporary();

    JobService& m_service;
    AnalyzeSpec m_spec;
    JobId m_job = 0;
    bool m_reading = false;
    quint64 m_generation = 0;
    std::map<std::string, LinearSensitivity> m_pending; ///< the latest of each linear
    QTimer m_frame;
    QString m_temporary;
};

} // namespace sa::ui
