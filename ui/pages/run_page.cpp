// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/run_page.h"

#include "ui/async.h"
#include "ui/pages/prompt_panel.h"
#include "ui/pages/result_panel.h"
#include "ui/pages/run_form.h"
#include "ui/pages/run_view.h"
#include "ui/pages/unfinished_list.h"
#include "ui/text.h"
#include "ui/widgets/banner.h"
#include "ui/widgets/empty_state.h"
#include "ui/widgets/parts.h"

#include <QScrollArea>
#include <QStackedWidget>
#include <QVBoxLayout>

#include <algorithm>

namespace sa::ui
{

RunPage::RunPage(JobService& service, QWidget* parent)
    : QWidget(parent)
    , m_service(service)
    , m_run(new CompressionRun(service, this))
    , m_export(new SingleJob(this))
{
    setRole(this, "page");
    m_banner = new Banner(this);
    connect(m_banner, &Banner::acted, this, &RunPage::onBannerActed);
    m_form = new RunForm(this);
    connect(m_form, &RunForm::startRequested, this, &RunPage::launch);
    m_view = new RunView(this);
    m_view->prompt()->setService(&service);
    m_stack = new QStackedWidget(this);
    m_empty = new EmptyState(QStringLiteral("compress"), tr("Nothing to compress yet"),
                             tr("Open a model first. Its size after compression is shown before anything runs."), this);
    connect(m_empty, &EmptyState::openRequested, this, &RunPage::openModelRequested);
    m_stack->addWidget(m_empty);
    m_stack->addWidget(m_form);
    m_viewScroll = makeScroll(m_view, this);
    m_stack->addWidget(m_viewScroll);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(space::kPage, space::kPage, space::kPage, space::kPage);
    layout->setSpacing(space::kMedium);
    layout->addWidget(m_banner);
    layout->addWidget(m_stack, 1);
    connectRun();
    connectExport();
}

void RunPage::connectRun()
{
    connect(m_run, &CompressionRun::stageChanged, this, [this](CompressionRun::Stage stage) {
        m_view->setStage(stage);
        if (stage == CompressionRun::Stage::Idle) {
            setRemark({});
            Q_EMIT activityChanged({}, 0);
            Q_EMIT runningChanged(false);
            refreshJobs();
        }
    });
    connect(m_run, &CompressionRun::progressed, this, [this](const Progress& progress) {
        m_view->setProgress(progress);
        Q_EMIT activityChanged(m_view->activityText(), m_view->fraction());
    });
    connect(m_run, &CompressionRun::layersFinished, m_view, &RunView::appendLayers);
    connect(m_run, &CompressionRun::noted, this, &RunPage::noted);
    connect(m_run, &CompressionRun::failed, this, &RunPage::onRunFailed);
    connect(m_run, &CompressionRun::finished, this, [this](const RunOutcome& outcome) {
        m_outcome = outcome;
        m_view->showOutcome(outcome);
        m_form->refreshOutput();
    });
    connect(m_run, &CompressionRun::measurementFailed, this, [this](const JobFailure& failure) {
        m_bannerAction = BannerAction::None;
        if (failure.error.code == Errc::Cancelled)
            m_banner->showMessage(Banner::Severity::Info, tr("The quality check was cancelled"),
                                  tr("The compressed model is complete."));
        else
            m_banner->showFailure(tr("The compressed model is complete, but the quality check failed"), failure);
    });

    connect(m_view, &RunView::cancelRequested, this, &RunPage::cancel);
    connect(m_view, &RunView::newRunRequested, this, [this] {
        m_banner->dismiss();
        m_stack->setCurrentWidget(m_form);
    });
    connect(m_view->result(), &ResultPanel::exportRequested, this, [this] {
        if (m_outcome)
            Q_EMIT exportRequested(fromUtf8(m_outcome->plan.quantize.out));
    });
    connect(m_view->result(), &ResultPanel::openFolderRequested, this, [this] {
        if (m_outcome)
            Q_EMIT openFolderRequested(fromUtf8(m_outcome->plan.quantize.out));
    });
    connect(m_view->result(), &ResultPanel::openModelRequested, this, [this] {
        if (m_outcome)
            Q_EMIT showModelRequested(fromUtf8(m_outcome->plan.quantize.out));
    });
    connect(m_view->prompt(), &PromptPanel::runningChanged, this, [this](bool running) {
        Q_EMIT activityChanged(running ? tr("Generating") : QString(), 0);
        Q_EMIT runningChanged(running);
        refreshJobs();
    });
    connect(m_view->prompt(), &PromptPanel::failed, this, [this](const JobFailure& failure) {
        m_bannerAction = BannerAction::None;
        m_banner->showFailure(tr("The text could not be generated"), failure);
    });
}

void RunPage::connectExport()
{
    connect(m_export, &SingleJob::progressed, this,
            [this](const Progress& progress) { Q_EMIT activityChanged(tr("Exporting"), progress.fraction()); });
    const auto settle = [this] {
        Q_EMIT activityChanged({}, 0);
        Q_EMIT runningChanged(false);
        refreshJobs();
    };
    connect(m_export, &SingleJob::finished, this, [this, settle] {
        settle();
        m_bannerAction = BannerAction::OpenExport;
        m_banner->showMessage(Banner::Severity::Info, tr("The float16 model is written"), shown(m_exportFolder, 1000),
                              tr("Open folder"));
    });
    connect(m_export, &SingleJob::failed, this, [this, settle](const JobFailure& failure) {
        settle();
        m_bannerAction = BannerAction::None;
        if (failure.error.code == Errc::Cancelled)
            m_banner->showMessage(Banner::Severity::Info, tr("The export was cancelled"), tr("Nothing was written."));
        else
            m_banner->showFailure(tr("The model could not be exported"), failure);
    });
}

void RunPage::setModel(const ModelSummary& model)
{
    m_model = model;
    const bool useful = !model.packed && model.quantizableParameters > 0;
    if (useful) {
        m_form->setModel(model);
    } else {
        m_empty->setTexts(model.packed ? tr("This model is compressed already")
                                       : tr("Nothing in this model can be compressed"),
                          model.packed ? tr("Open the original to compress it again, with other settings.")
                                       : tr("It has no linear layers of a kind that this program knows."));
    }
    if (!isRunning() && !(showsResult() && model.packed)) {
        if (!showsResult())
            m_banner->dismiss();
        m_stack->setCurrentWidget(useful ? static_cast<QWidget*>(m_form) : m_empty);
    }
}

void RunPage::setDevices(const std::vector<DeviceInfo>& devices)
{
    m_form->setDevices(devices);
}

void RunPage::setRemark(const QString& text)
{
    m_view->setRemark(text);
}

void RunPage::setWorkerBusy(bool busy)
{
    m_otherJob = busy;
    refreshJobs();
}

bool RunPage::isRunning() const
{
    return m_run->isRunning() || m_export->isRunning() || m_view->prompt()->isRunning();
}

bool RunPage::showsResult() const
{
    return m_stack->currentWidget() == m_viewScroll && !m_run->isRunning();
}

void RunPage::cancel()
{
    if (m_run->isRunning()) {
        m_view->setCancelling(true);
        m_run->cancel();
    } else if (m_export->isRunning()) {
        m_export->cancel();
    } else {
        m_view->prompt()->cancel();
    }
}

void RunPage::startRun()
{
    if (m_stack->currentWidget() == m_form)
        m_form->start();
}

void RunPage::resumeRun(const UnfinishedJob& job, const ModelSummary& model)
{
    RunPlan plan{model, job.quantize, job.measure, job.evaluation};
    plan.quantize.resume = true;
    launch(plan);
}

void RunPage::launch(const RunPlan& plan)
{
    if (isRunning())
        return;
    m_banner->dismiss();
    m_lastPlan = plan;
    m_view->begin(plan);
    m_stack->setCurrentWidget(m_viewScroll);
    m_view->setFocus();
    m_run->start(plan);
    Q_EMIT runningChanged(true);
    Q_EMIT activityChanged(tr("Starting"), 0);
    refreshJobs();
}

void RunPage::onRunFailed(const JobFailure& failure)
{
    m_stack->setCurrentWidget(m_form);
    m_form->refreshOutput();
    inBackground(
        this, [out = m_lastPlan->quantize.out] { return keptWork(out); },
        [this, failure](const std::optional<KeptWork>& kept) {
            if (!isRunning()) // else there is something newer to look at
                showRunFailure(failure, kept);
        });
}

void RunPage::showRunFailure(const JobFailure& failure, const std::optional<KeptWork>& kept)
{
    m_bannerAction = kept ? BannerAction::Resume : failure.workerDied ? BannerAction::RunAgain : BannerAction::None;
    const QString action = kept ? tr("Resume") : failure.workerDied ? tr("Start again") : QString();
    if (failure.error.code == Errc::Cancelled) {
        m_bannerAction = kept ? BannerAction::Resume : BannerAction::None;
        m_banner->showMessage(Banner::Severity::Info, tr("The run was cancelled"),
                              kept ? tr("%1 are kept. The run can go on from there, now or later.").arg(keptText(*kept))
                                   : tr("Nothing was written."),
                              kept ? action : QString());
        return;
    }
    const QString fate = kept ? tr("%1 are kept").arg(keptText(*kept)) : tr("nothing was written");
    m_banner->showFailure((failure.workerDied ? tr("The run broke off; %1") : tr("The run failed; %1")).arg(fate),
                          failure, action);
}

void RunPage::onBannerActed()
{
    if ((m_bannerAction == BannerAction::RunAgain || m_bannerAction == BannerAction::Resume) && m_lastPlan) {
        RunPlan plan = *m_lastPlan;
        plan.quantize.resume = m_bannerAction == BannerAction::Resume;
        launch(plan);
    } else if (m_bannerAction == BannerAction::OpenExport) {
        Q_EMIT openFolderRequested(m_exportFolder);
    }
}

void RunPage::exportModel(const QString& packed, const QString& out, const QString& certificate)
{
    if (isRunning())
        return;
    m_banner->dismiss();
    m_exportFolder = out;
    m_export->start(m_service, ExportSpec{toUtf8(packed), toUtf8(out), "hf-fp16", toUtf8(certificate)});
    Q_EMIT runningChanged(true);
    Q_EMIT activityChanged(tr("Exporting"), 0);
    refreshJobs();
}

void RunPage::refreshJobs()
{
    const bool busy = isRunning() || m_otherJob;
    m_form->setBlocked(busy ? tr("The worker is busy with another job.") : QString());
    m_view->setJobsAllowed(!busy);
}

} // namespace sa::ui
