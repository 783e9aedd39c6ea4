// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/main_window.h"

#include "ui/async.h"
#include "ui/cockpit/cockpit_page.h"
#include "ui/compare/chat_page.h"
#include "ui/jobs/bundled_files.h"
#include "ui/jobs/output_folder.h"
#include "ui/measure/export_gate.h"
#include "ui/measure/latency_page.h"
#include "ui/measure/model_pair.h"
#include "ui/measure/report_page.h"
#include "ui/models/doctor_report.h"
#include "ui/pages/model_page.h"
#include "ui/pages/run_page.h"
#include "ui/pages/start_view.h"
#include "ui/style/icons.h"
#include "ui/style/theme.h"
#include "ui/text.h"
#include "ui/widgets/activity_widget.h"
#include "ui/widgets/banner.h"
#include "ui/widgets/log_view.h"
#include "ui/widgets/rail.h"
#include "ui/widgets/worker_badge.h"
#include "ui/worker/yielding_service.h"

#include <QCloseEvent>
#include <QCoreApplication>
#include <QDesktopServices>
#include <QDir>
#include <QDockWidget>
#include <QFileDialog>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QMenuBar>
#include <QMessageBox>
#include <QMimeData>
#include <QPushButton>
#include <QStackedWidget>
#include <QStatusBar>
#include <QUrl>

namespace sa::ui
{

namespace
{

constexpr int kStateVersion = 1; // of saveState(): raise it when docks change
constexpr int kRemarkMs = 500;
constexpr int kLogHeight = 170;

/// The one local path of a drag, or empty.
QString draggedPath(const QMimeData* data)
{
    if (!data->hasUrls() || data->urls().size() != 1)
        return {};
    return data->urls().constFirst().toLocalFile();
}

} // namespace

MainWindow::MainWindow(Options options, Theme& theme, QWidget* parent)
    : QMainWindow(parent)
    , m_settings(options.settingsFile)
    , m_theme(theme)
    , m_options(std::move(options))
    , m_worker(new WorkerClient(m_options.worker, m_options.timing, this))
    , m_jobs(new YieldingService(*m_worker, this))
    , m_open(new SingleJob(this))
    , m_doctor(new SingleJob(this))
    , m_jobRecords(jobRecordsFolder(m_options.settingsFile))
{
    setWindowTitle(tr("ShiftAdd Workbench"));
    setWindowIcon(QIcon(QStringLiteral(":/icons/shiftadd-workbench.svg")));
    setAcceptDrops(true);
    m_theme.setTextPercent(m_settings.textPercent());
    m_theme.apply(m_settings.theme());
    makePages();
    makeLogDock();
    makeStatusBar();
    makeMenus();
    connectWorker(m_worker, tr("worker"));
    connect(m_open, &SingleJob::finished, this, &MainWindow::onOpened);
    connect(m_open, &SingleJob::failed, this, &MainWindow::onOpenFailed);
    connect(m_doctor, &SingleJob::finished, this, &MainWindow::onChecked);
    connect(m_doctor, &SingleJob::failed, this, &MainWindow::onCheckFailed);
    m_remarkTimer.setInterval(kRemarkMs);
    connect(&m_remarkTimer, &QTimer::timeout, this, &MainWindow::refreshWorkerRemark);

    setMinimumSize(960, 600);
    resize(1280, 800);
    restoreGeometry(m_settings.geometry());
    restoreState(m_settings.windowState(), kStateVersion);
    refreshRecent();
    refreshUnfinished();
    m_modelPage->setFocus();
    m_worker->warmUp();
}

MainWindow::~MainWindow() = default;

void MainWindow::makePages()
{
    m_modelPage = new ModelPage(this);
    m_runPage = new RunPage(*m_jobs, this);
    m_pages = new QStackedWidget(this);
    m_cockpitPage = new CockpitPage(*m_jobs, this);
    m_pages->addWidget(m_modelPage);
    m_pages->addWidget(m_cockpitPage);
    m_pages->addWidget(m_runPage);
    makeChatPage();
    makeMeasuringPages();
    m_rail = new Rail(this);
    auto* central = new QWidget(this);
    auto* layout = new QHBoxLayout(central);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(m_rail);
    layout->addWidget(m_pages, 1);
    setCentralWidget(central);

    StartView* start = m_modelPage->startView();
    start->setSampleAvailable(!bundledSampleModel().isEmpty());
    connect(start, &StartView::openRequested, this, &MainWindow::chooseModel);
    connect(start, &StartView::recentRequested, this, &MainWindow::openModel);
    connect(start, &StartView::sampleRequested, this, [this] { openModel(bundledSampleModel()); });
    connect(m_modelPage, &ModelPage::openRequested, this, &MainWindow::chooseModel);
    connect(m_modelPage, &ModelPage::retryRequested, this, &MainWindow::openModel);
    connect(m_modelPage, &ModelPage::checkRequested, this, [this](const QString& folder) {
        if (!m_open->isRunning()) // its own checks follow
            launchDoctor(freeService(), folder);
    });
    connect(m_modelPage, &ModelPage::compressRequested, this, &MainWindow::showRunPage);
    connect(m_modelPage, &ModelPage::exportRequested, this, [this] {
        if (m_model)
            chooseExport(m_model->folder);
    });
    connectUnfinished();
    connectCockpit();
    connect(m_runPage, &RunPage::openModelRequested, this, &MainWindow::chooseModel);
    connect(m_runPage, &RunPage::showModelRequested, this, &MainWindow::openModel);
    connect(m_runPage, &RunPage::openFolderRequested, this, &MainWindow::openFolder);
    connect(m_runPage, &RunPage::exportRequested, this, &MainWindow::chooseExport);
    connect(m_runPage, &RunPage::activityChanged, this,
            [this](const QString& text, double fraction) { m_activity->setActivity(text, fraction); });
    connect(m_runPage, &RunPage::runningChanged, this, [this](bool running) {
        m_modelPage->setResumeAllowed(!running);
        if (!running && m_closeWhenIdle)
            close();
    });
    connect(m_runPage, &RunPage::noted, this, [this](const Note& note) {
        m_log->append(tr("note"), {QStringLiteral("%1: %2").arg(shown(note.severity, 40), shown(note.message, 1000))});
    });
}

void MainWindow::makeStatusBar()
{
    m_badge = new WorkerBadge(this);
    m_activity = new ActivityWidget(this);
    statusBar()->addWidget(m_badge, 1);
    statusBar()->addPermanentWidget(m_activity);
    statusBar()->setSizeGripEnabled(false);
    connect(m_activity, &ActivityWidget::clicked, this, [this] {
        m_cockpitPage->isRunning()   ? showCockpitPage()
        : m_latencyPage->isRunning() ? showLatencyPage()
        : m_reportPage->isRunning()  ? showReportPage()
                                     : showRunPage();
    });
}

void MainWindow::makeLogDock()
{
    m_log = new LogView(this);
    m_logDock = new QDockWidget(tr("Log"), this);
    m_logDock->setObjectName(QStringLiteral("log"));
    m_logDock->setFeatures(QDockWidget::DockWidgetClosable | QDockWidget::DockWidgetMovable);
    m_logDock->setWidget(m_log);
    addDockWidget(Qt::BottomDockWidgetArea, m_logDock);
    resizeDocks({m_logDock}, {kLogHeight}, Qt::Vertical);
    m_logDock->hide();
}

void MainWindow::connectWorker(WorkerClient* client, const QString& name)
{
    connect(client, &WorkerClient::logged, this,
            [this, name](const QStringList& lines) { m_log->append(name, lines); });
    connect(client, &WorkerClient::remarked, this,
            [this](const QString& text) { m_log->append(tr("window"), {text}); });
    if (client != m_worker)
        return;
    connect(client, &WorkerClient::stateChanged, this, [this](WorkerClient::State state) {
        m_badge->setState(state, m_worker->hello());
        if (state == WorkerClient::State::Ready && m_worker->hello()) {
            m_runPage->setDevices(m_worker->hello()->devices);
            m_latencyPage->setDevices(m_worker->hello()->devices);
        }
        m_runPage->setWorkerBusy(m_jobs->isBusy());
        m_cockpitPage->setWorkerBusy(m_jobs->isBusy());
        setMeasuringBusy(m_jobs->isBusy());
        estimateWhenFree();
        refreshWorkerRemark();
    });
    connect(client, &WorkerClient::stopStageChanged, this, &MainWindow::refreshWorkerRemark);
    connect(client, &WorkerClient::silenceChanged, this, [this](int seconds) {
        m_silence = seconds;
        refreshWorkerRemark();
    });
    connect(client, &WorkerClient::diedIdle, this,
            [this](const Error& error) { m_log->append(tr("window"), {shown(error.sentence(), 1000)}); });
}

/// A rung of the stop ladder with its countdown, or how long the worker has been silent.
void MainWindow::refreshWorkerRemark()
{
    QString text;
    const int seconds = m_worker->secondsToNextStage();
    switch (m_worker->stopStage()) {
    case WorkerClient::StopStage::None:
        break;
    case WorkerClient::StopStage::Asked:
        text = tr("Asked the worker to stop; it is told to end in %1 s").arg(seconds);
        break;
    case WorkerClient::StopStage::Heard:
        text = tr("The worker stops after its present step; it is told to end in %1 s").arg(seconds);
        break;
    case WorkerClient::StopStage::Terminating:
        text = tr("Told the worker to end (SIGTERM); it is killed in %1 s").arg(seconds);
        break;
    case WorkerClient::StopStage::Killing:
        text = tr("Killing the worker (SIGKILL)");
        break;
    }
    if (text.isEmpty() && m_silence > 0)
        text = tr("No sign of life for %1 s. Long steps can be silent; Cancel ends it").arg(m_silence);
    m_badge->setRemark(text);
    m_runPage->setRemark(text);
    if (m_worker->stopStage() == WorkerClient::StopStage::None)
        m_remarkTimer.stop();
    else if (!m_remarkTimer.isActive())
        m_remarkTimer.start();
}

void MainWindow::showModelPage()
{
    m_modelAction->trigger();
}

void MainWindow::showRunPage()
{
    m_runAction->trigger();
}

void MainWindow::chooseModel()
{
    auto* dialog = new QFileDialog(this, tr("Open model folder"), m_settings.lastFolder());
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::Directory);
    dialog->setOption(QFileDialog::ShowDirsOnly);
    connect(dialog, &QFileDialog::fileSelected, this, &MainWindow::openModel);
    dialog->open();
}

void MainWindow::openModel(const QString& path)
{
    m_resuming.reset();
    if (path.isEmpty())
        return;
    inBackground(
        this, [path] { return modelFolderOf(path); }, [this](const QString& folder) { launchOpen(folder); });
}

void MainWindow::launchOpen(const QString& folder)
{
    showModelPage();
    m_modelPage->showOpening(folder);
    m_opening = folder;
    m_settings.setLastFolder(QFileInfo(folder).absolutePath());
    JobService& service = freeService(); // a worker that only the checks keep busy is free
    forgetDoctor();
    m_open->start(service, OpenSpec{toUtf8(folder)});
}

/// For a look at a model: a run must not keep anyone from it, so a second worker is started then.
JobService& MainWindow::freeService()
{
    releaseInspector();
    if (!m_jobs->isBusy() && m_worker->state() != WorkerClient::State::Stopping)
        return *m_jobs;
    m_inspector = new WorkerClient(m_options.worker, m_options.timing, this);
    connectWorker(m_inspector, tr("second worker"));
    return *m_inspector;
}

/// The second worker is for one opening and its checks; an idle process would only hold memory.
void MainWindow::releaseInspector()
{
    if (m_inspector)
        std::exchange(m_inspector, nullptr)->deleteLater();
}

void MainWindow::onOpened(const Json& result)
{
    auto summary = parseModelSummary(result);
    if (!summary)
        return onOpenFailed({summary.error(), false, {}});
    summary->folder = m_opening; // what the user asked for, whatever the worker calls it
    m_model = *summary;
    m_settings.addRecentModel(m_opening);
    refreshRecent();
    setWindowTitle(tr("%1 – ShiftAdd Workbench").arg(shown(m_model->displayName(), 80)));
    m_modelPage->showModel(*m_model);
    m_runPage->setModel(*m_model);
    m_cockpitPage->setModel(*m_model);
    m_chatPage->suggest(*m_model);
    m_pair->suggest(*m_model);
    refreshUnfinished();
    if (m_resuming && !m_runPage->isRunning()) {
        releaseInspector();
        m_modelPage->showNoReport(m_opening, tr("They made room for another job. Check again when it is done."));
        showRunPage();
        m_runPage->resumeRun(*std::exchange(m_resuming, std::nullopt), *m_model);
    } else {
        launchDoctor(m_inspector ? *m_inspector : static_cast<JobService&>(*m_jobs), m_opening);
    }
    Q_EMIT modelOpened(m_opening);
}

void MainWindow::onOpenFailed(const JobFailure& failure)
{
    if (failure.error.code == Errc::NotFound) {
        m_settings.removeRecentModel(m_opening);
        refreshRecent();
    }
    m_modelPage->showOpenFailure(m_opening, failure);
    if (failure.workerDied) // of this model, it seems: nothing is started until the user wants it
        releaseInspector();
    else
        launchDoctor(m_inspector ? *m_inspector : static_cast<JobService&>(*m_jobs), m_opening);
    Q_EMIT openFailed(m_opening);
}

void MainWindow::launchDoctor(JobService& service, const QString& folder)
{
    forgetDoctor();
    m_checking = folder;
    m_modelPage->showChecking(folder);
    m_doctor->start(service, DoctorSpec{toUtf8(folder)});
}

/// The page may go on showing what was being checked.
void MainWindow::forgetDoctor()
{
    if (!m_doctor->isRunning())
        return;
    m_doctor->forget();
    m_modelPage->showNoReport(m_checking, tr("They made room for another job. Check again when it is done."));
}

void MainWindow::onChecked(const Json& result)
{
    const auto report = parseDoctorReport(result);
    if (!report)
        return onCheckFailed({report.error(), false, {}});
    releaseInspector();
    m_modelPage->showReport(m_checking, *report);
    estimateWhenFree();
}

/// Nothing that the user asked for went wrong: a line in the log, and a word where the checks would be.
void MainWindow::onCheckFailed(const JobFailure& failure)
{
    releaseInspector();
    m_log->append(tr("window"), {tr("The checks of %1 could not be made: %2")
                                     .arg(shown(m_checking, 1000), shown(failure.error.sentence(), 1000))});
    m_modelPage->showNoReport(m_checking, failure.error.code == Errc::Cancelled
                                              ? tr("They made room for another job. Check again when it is done.")
                                              : tr("The log (Ctrl+L) says why."));
    estimateWhenFree();
}

/// The last report's limits come first.
void MainWindow::chooseExport(const QString& packed)
{
    m_gate->ask(packed);
}

void MainWindow::chooseExportFolder(const QString& packed, const QString& certificate)
{
    auto* dialog =
        new QFileDialog(this, tr("Export as a float16 Hugging Face folder"), QFileInfo(packed).absolutePath());
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::Directory);
    dialog->setOption(QFileDialog::ShowDirsOnly);
    dialog->setAcceptMode(QFileDialog::AcceptSave);
    dialog->setLabelText(QFileDialog::Accept, tr("Export"));
    dialog->selectFile(QFileInfo(packed).fileName() + QStringLiteral("-fp16"));
    connect(dialog, &QFileDialog::fileSelected, this, [this, packed, certificate](const QString& out) {
        showRunPage();
        m_runPage->exportModel(packed, out, certificate);
    });
    dialog->open();
}

void MainWindow::openFolder(const QString& folder)
{
    QDesktopServices::openUrl(QUrl::fromLocalFile(folder));
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event)
{
    if (draggedPath(event->mimeData()).isEmpty())
        return;
    event->acceptProposedAction();
    m_modelPage->startView()->setDropActive(true);
    if (m_model)
        statusBar()->showMessage(tr("Drop to open this model"));
}

void MainWindow::dragLeaveEvent(QDragLeaveEvent* event)
{
    m_modelPage->startView()->setDropActive(false);
    statusBar()->clearMessage();
    QMainWindow::dragLeaveEvent(event);
}

void MainWindow::dropEvent(QDropEvent* event)
{
    m_modelPage->startView()->setDropActive(false);
    statusBar()->clearMessage();
    const QString path = draggedPath(event->mimeData());
    if (path.isEmpty())
        return;
    event->acceptProposedAction();
    openModel(path);
}

void MainWindow::closeEvent(QCloseEvent* event)
{
    if (m_runPage->isRunning() || m_cockpitPage->isRunning() || isMeasuring()) {
        event->ignore();
        if (!m_closeWhenIdle)
            askAboutClosing();
        return;
    }
    m_settings.setWindow(saveGeometry(), saveState(kStateVersion));
    m_worker->shutDown();
    m_chatPage->shutDown();
    if (m_inspector)
        m_inspector->shutDown();
    event->accept();
}

/// Does not block: the job and the window go on while the question stands.
void MainWindow::askAboutClosing()
{
    if (m_asking)
        return;
    m_asking = true;
    auto* box = new QMessageBox(QMessageBox::Question, tr("A job is running"), tr("Cancel the running job and close?"),
                                QMessageBox::NoButton, this);
    box->setAttribute(Qt::WA_DeleteOnClose);
    box->setIconPixmap(icon(QStringLiteral("warning"), IconTone::Warning).pixmap(QSize(32, 32), devicePixelRatioF()));
    box->setTextFormat(Qt::PlainText);
    box->setInformativeText(
        tr("A compression keeps its finished layers, an analysis what it has measured. Both can go on later."));
    QPushButton* cancel = box->addButton(tr("Cancel the job and close"), QMessageBox::DestructiveRole);
    QPushButton* stay = box->addButton(tr("Keep working"), QMessageBox::RejectRole);
    box->setDefaultButton(stay);
    box->setEscapeButton(stay);
    connect(cancel, &QPushButton::clicked, this, [this] {
        m_closeWhenIdle = true;
        if (m_runPage->isRunning())
            m_runPage->cancel();
        else if (m_cockpitPage->isRunning())
            m_cockpitPage->cancel();
        else if (isMeasuring())
            cancelMeasuring();
        else
            close();
    });
    connect(box, &QDialog::finished, this, [this] { m_asking = false; });
    box->open();
}

} // namespace sa::ui
