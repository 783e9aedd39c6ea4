// SPDX-License-Identifier: GPL-3.0-or-later
// The window's part in the bit budget: figures when the worker is free, plans to the Compress page, results back.
#include "ui/cockpit/cockpit_page.h"
#include "ui/main_window.h"
#include "ui/measure/latency_page.h"
#include "ui/pages/prompt_panel.h"
#include "ui/pages/run_form.h"
#include "ui/pages/run_page.h"
#include "ui/pages/run_view.h"
#include "ui/text.h"
#include "ui/widgets/activity_widget.h"
#include "ui/widgets/log_view.h"
#include "ui/worker/yielding_service.h"

#include <QDir>
#include <QFileInfo>

namespace sa::ui
{

void MainWindow::connectCockpit()
{
    m_cockpitPage->setPlansFolder(QDir(QFileInfo(m_jobRecords).absolutePath()).filePath(QStringLiteral("plans")));
    RunForm* form = m_runPage->form();
    m_cockpitPage->setSettings(form->settings());
    connect(form, &RunForm::settingsChanged, this, [this, form] { m_cockpitPage->setSettings(form->settings()); });
    connect(m_cockpitPage, &CockpitPage::shownFirst, this, &MainWindow::estimateWhenFree);
    connect(m_cockpitPage, &CockpitPage::openModelRequested, this, &MainWindow::chooseModel);
    connect(m_cockpitPage, &CockpitPage::compressRequested, this, [this, form](const QString& file, const Plan& plan) {
        double planes = 0;
        const Sensitivity& sensitivity = m_cockpitPage->document().sensitivity();
        for (const LinearSensitivity& linear : sensitivity.linears)
            if (const auto bits = plan.bits.find(linear.name); bits != plan.bits.end())
                planes += static_cast<double>(linear.weights()) * bits->second;
        const auto weights = static_cast<double>(std::max<std::uint64_t>(1, sensitivity.weights()));
        form->setPlan(ChosenPlan{file, plan.bitsPerWeight(), plan.bytes, planes / weights});
        showRunPage();
    });
    connect(m_cockpitPage, &CockpitPage::activityChanged, this,
            [this](const QString& text, double fraction) { m_activity->setActivity(text, fraction); });
    connect(m_cockpitPage, &CockpitPage::runningChanged, this, [this](bool running) {
        if (!running && m_closeWhenIdle)
            close();
    });
    connect(m_cockpitPage, &CockpitPage::noted, this, [this](const Note& note) {
        m_log->append(tr("note"), {QStringLiteral("%1: %2").arg(shown(note.severity, 40), shown(note.message, 1000))});
    });
    connect(m_runPage->run(), &CompressionRun::finished, this, [this](const RunOutcome& outcome) {
        m_packedTokenBytes = outcome.quantized.tokenBytes.value_or(0);
        m_cockpitPage->showOutcome(outcome);
    });
    connect(m_runPage->view()->prompt(), &PromptPanel::speedMeasured, this, [this](double tokensPerSecond) {
        if (m_packedTokenBytes <= 0)
            return;
        const QString name = QFileInfo(fromUtf8(m_runPage->run()->plan().quantize.out)).fileName();
        takeSpeed(tokensPerSecond, m_packedTokenBytes, name);
    });
    connect(m_latencyPage, &LatencyPage::kept, this, &MainWindow::takeMeasuredSpeed);
}

/// Of the compressed model, when it was timed beside the open one.
void MainWindow::takeMeasuredSpeed()
{
    const auto& result = m_latencyPage->result();
    const ModelSummary& model = m_cockpitPage->model();
    if (!result || result->models.size() != 2 || result->models.front().folder != model.folder || !model.traffic)
        return;
    const MeasuredModel& packed = result->models.back();
    if (packed.lengths.empty() || !packed.lengths.front().decode.isKnown())
        return;
    takeSpeed(packed.lengths.front().tokensPerSecond(),
              static_cast<double>(packed.linearBytes) + model.traffic->otherBytes, QFileInfo(packed.folder).fileName());
}

/// `bytes`: that a token moves; `name`: of the model that was timed.
void MainWindow::takeSpeed(double tokensPerSecond, double bytes, const QString& name)
{
    m_cockpitPage->setSpeedBasis(
        SpeedBasis{tokensPerSecond * bytes,
                   tr("%1 tokens/s, measured with %2").arg(decimalText(tokensPerSecond, 0), shown(name, 80))});
}

/// The checks come first: they are quick, and they say whether there is anything to estimate.
/// Asked later, not now: whoever has just ended a job may start the next one of its own.
void MainWindow::estimateWhenFree()
{
    if (!m_cockpitPage->wantsEstimate())
        return;
    QMetaObject::invokeMethod(
        this,
        [this] {
            if (!m_open->isRunning() && !m_doctor->isRunning() && !m_jobs->isBusy() &&
                m_worker->state() == WorkerClient::State::Ready)
                m_cockpitPage->estimate();
        },
        Qt::QueuedConnection);
}

void MainWindow::showCockpitPage()
{
    m_cockpitAction->trigger();
}

} // namespace sa::ui
