// SPDX-License-Identifier: GPL-3.0-or-later
// The window: pages, menus, docks, and the wires between them and the workers.
#pragma once

#include "ui/jobs/single_job.h"
#include "ui/jobs/unfinished_jobs.h"
#include "ui/models/model_summary.h"
#include "ui/settings.h"
#include "ui/worker/worker_client.h"

#include <QMainWindow>

#include <functional>
#include <optional>
#include <set>

class QDockWidget;
class QStackedWidget;

namespace sa::ui
{

class ActivityWidget;
class ChatPage;
class CockpitPage;
class ExportGate;
class LatencyPage;
class LogView;
class ModelPage;
class ModelPair;
class Rail;
class ReportPage;
class RunPage;
class Theme;
class WorkerBadge;
class YieldingService;

class MainWindow final : public QMainWindow
{
    Q_OBJECT
public:
    struct Options {
        WorkerCommand worker;
        WorkerClient::Timing timing;
        QString settingsFile; ///< empty: the user's. Records of unfinished jobs lie beside it
    };

    /// `theme` is borrowed and must outlive the window.
    MainWindow(Options options, Theme& theme, QWidget* parent = nullptr);
    ~MainWindow() override;

    /// A model's folder, or a file in it.
    void openModel(const QString& path);
    void showModelPage();
    void showCockpitPage();
    void showRunPage();
    void showChatPage();
    void showLatencyPage();
    void showReportPage();

    ModelPage* modelPage() const { return m_modelPage; }
    CockpitPage* cockpitPage() const { return m_cockpitPage; }
    RunPage* runPage() const { return m_runPage; }
    ChatPage* chatPage() const { return m_chatPage; }
    LatencyPage* latencyPage() const { return m_latencyPage; }
    ReportPage* reportPage() const { return m_reportPage; }
    ExportGate* exportGate() const { return m_gate; }
    ModelPair* modelPair() const { return m_pair; }
    WorkerClient* worker() const { return m_worker; }
    LogView* log() const { return m_log; }

Q_SIGNALS:
    void modelOpened(const QString& folder);
    void openFailed(const QString& folder);

protected:
    void closeEvent(QCloseEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dragLeaveEvent(QDragLeaveEvent* event) override;
    void dropEvent(QDropEvent* event) override;

private:
    void makePages();
    void makeMenus();
    void makeStatusBar();
    void makeLogDock();
    void connectWorker(WorkerClient* client, const QString& name);
    QAction* addAction(QMenu* menu, const QString& text, const QKeySequence& key, const std::function<void()>& act);

    void chooseModel();
    void chooseExport(const QString& packed);
    void chooseExportFolder(const QString& packed, const QString& certificate);
    void openFolder(const QString& folder);
    void launchOpen(const QString& folder);
    JobService& freeService();
    void releaseInspector();
    void onOpened(const Json& result);
    void onOpenFailed(const JobFailure& failure);
    void launchDoctor(JobService& service, const QString& folder);
    void forgetDoctor();
    void onChecked(const Json& result);
    void onCheckFailed(const JobFailure& failure);
    void connectCockpit();
    void takeMeasuredSpeed();
    void takeSpeed(double tokensPerSecond, double bytes, const QString& name);
    void estimateWhenFree();
    void connectUnfinished();
    void makeChatPage();
    void makeMeasuringPages();
    void onMeasuringChanged(bool running);
    bool isMeasuring() const;
    void cancelMeasuring();
    void setMeasuringBusy(bool busy);
    void refreshUnfinished();
    void resumeJob(const UnfinishedJob& job);
    void askAboutDiscarding(const UnfinishedJob& job);
    void refreshRecent();
    void refreshWorkerRemark();
    void askAboutClosing();

    Settings m_settings;
    Theme& m_theme;
    Options m_options;
    WorkerClient* m_worker;
    YieldingService* m_jobs;             ///< the way to m_worker for everybody
    WorkerClient* m_inspector = nullptr; ///< opens and checks one model while the worker computes
    SingleJob* m_open;
    SingleJob* m_doctor;
    QString m_opening, m_checking; ///< folders of the two jobs
    std::optional<ModelSummary> m_model;
    QString m_jobRecords;                    ///< folder
    std::optional<UnfinishedJob> m_resuming; ///< as soon as its model is open
    std::set<std::string> m_notNow;          ///< outputs of unfinished jobs that this window does not offer again
    quint64 m_unfinishedGeneration = 0;

    Rail* m_rail = nullptr;
    QStackedWidget* m_pages = nullptr;
    ModelPage* m_modelPage = nullptr;
    CockpitPage* m_cockpitPage = nullptr;
    RunPage* m_runPage = nullptr;
    ChatPage* m_chatPage = nullptr;
    ModelPair* m_pair = nullptr;
    LatencyPage* m_latencyPage = nullptr;
    ReportPage* m_reportPage = nullptr;
    ExportGate* m_gate = nullptr;
    QDockWidget* m_logDock = nullptr;
    LogView* m_log = nullptr;
    WorkerBadge* m_badge = nullptr;
    ActivityWidget* m_activity = nullptr;
    QMenu* m_recentMenu = nullptr;
    QAction *m_modelAction = nullptr, *m_cockpitAction = nullptr, *m_runAction = nullptr, *m_chatAction = nullptr,
            *m_latencyAction = nullptr, *m_reportAction = nullptr;
    QList<QAction*> m_shortcuts;
    QTimer m_remarkTimer; ///< the countdown of the stop ladder
    int m_silence = 0;
    bool m_closeWhenIdle = false;
    bool m_asking = false;
    double m_packedTokenBytes = 0; ///< that a token of the last packed model moves
};

} // namespace sa::ui
