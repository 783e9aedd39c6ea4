// SPDX-License-Identifier: GPL-3.0-or-later
// From settings to result: the form, the run as it goes on, before and after. Owns the run.
#pragma once

#include "ui/jobs/compression_run.h"
#include "ui/jobs/single_job.h"
#include "ui/jobs/unfinished_jobs.h"

#include <QWidget>

#include <optional>

class QPushButton;
class QStackedWidget;

namespace sa::ui
{

class Banner;
class EmptyState;
class RunForm;
class RunView;

class RunPage final : public QWidget
{
    Q_OBJECT
public:
    /// `service` is borrowed and must outlive the page.
    explicit RunPage(JobService& service, QWidget* parent = nullptr);

    void setModel(const ModelSummary& model);
    void setDevices(const std::vector<DeviceInfo>& devices);
    /// What the stop ladder or a silent worker has to say, or empty.
    void setRemark(const QString& text);
    /// The worker has a job that is not this page's.
    void setWorkerBusy(bool busy);

    bool isRunning() const;
    void cancel();
    void startRun();
    /// Goes on with a run that ended early; `model` is its model, opened.
    void resumeRun(const UnfinishedJob& job, const ModelSummary& model);
    /// `certificate`: a file that goes along, or empty.
    void exportModel(const QString& packed, const QString& out, const QString& certificate = {});

    CompressionRun* run() const { return m_run; }
    RunForm* form() const { return m_form; }
    RunView* view() const { return m_view; }
    Banner* banner() const { return m_banner; }
    bool showsResult() const;

Q_SIGNALS:
    void openModelRequested();
    void showModelRequested(const QString& folder);
    void openFolderRequested(const QString& folder);
    void exportRequested(const QString& packed);
    /// For the status bar; an empty text when nothing runs.
    void activityChanged(const QString& text, double fraction);
    void runningChanged(bool running);
    void noted(const sa::Note& note);

private:
    void connectRun();
    void connectExport();
    void launch(const RunPlan& plan);
    void onRunFailed(const JobFailure& failure);
    void showRunFailure(const JobFailure& failure, const std::optional<KeptWork>& kept);
    void onBannerActed();
    void refreshJobs();

    enum class BannerAction { None, RunAgain, Resume, OpenExport };

    JobService& m_service;
    CompressionRun* m_run;
    SingleJob* m_export;
    QString m_exportFolder;
    Banner* m_banner;
    BannerAction m_bannerAction = BannerAction::None;
    QStackedWidget* m_stack;
    EmptyState* m_empty;
    RunForm* m_form;
    RunView* m_view;
    QWidget* m_viewScroll;
    std::optional<ModelSummary> m_model;
    std::optional<RunPlan> m_lastPlan;
    std::optional<RunOutcome> m_outcome;
    bool m_otherJob = false;
};

} // namespace sa::ui
