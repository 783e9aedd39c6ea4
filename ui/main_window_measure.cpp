// SPDX-License-Identifier: GPL-3.0-or-later
// The window's part in the pages that measure two models: which they are, and whose turn it is at the worker.
#include "ui/main_window.h"
#include "ui/measure/export_gate.h"
#include "ui/measure/latency_page.h"
#include "ui/measure/model_pair.h"
#include "ui/measure/report_page.h"
#include "ui/pages/run_page.h"
#include "ui/text.h"
#include "ui/widgets/activity_widget.h"
#include "ui/widgets/banner.h"
#include "ui/widgets/log_view.h"
#include "ui/worker/yielding_service.h"

#include <QDir>
#include <QFileInfo>
#include <QStackedWidget>

namespace sa::ui
{

void MainWindow::makeMeasuringPages()
{
    const QString results = QDir(QFileInfo(m_jobRecords).absolutePath()).filePath(QStringLiteral("measurements"));
    m_pair = new ModelPair(this);
    m_latencyPage = new LatencyPage(*m_jobs, *m_pair, {results}, this);
    m_pages->addWidget(m_latencyPage);
    m_reportPage = new ReportPage(*m_jobs, *m_pair, results, this);
    m_pages->addWidget(m_reportPage);
    const auto listen = [this](auto* page) {
        using Page = std::remove_pointer_t<decltype(page)>;
        connect(page, &Page::activityChanged, this,
                [this](const QString& text, double fraction) { m_activity->setActivity(text, fraction); });
        connect(page, &Page::runningChanged, this, &MainWindow::onMeasuringChanged);
        connect(page, &Page::noted, this, [this](const Note& note) {
            m_log->append(tr("note"),
                          {QStringLiteral("%1: %2").arg(shown(note.severity, 40), shown(note.message, 1000))});
        });
    };
    listen(m_latencyPage);
    listen(m_reportPage);
    m_gate = new ExportGate(*m_jobs, results, this);
    connect(m_reportPage, &ReportPage::exportRequested, this, &MainWindow::chooseExport);
    connect(m_gate, &ExportGate::cleared, this, &MainWindow::chooseExportFolder);
    connect(m_gate, &ExportGate::reportChanged, m_reportPage, &ReportPage::reload);
    connect(m_gate, &ExportGate::failed, this, [this](const JobFailure& failure) {
        showReportPage();
        m_reportPage->banner()->showFailure(tr("The reason could not be recorded; nothing was exported"), failure);
    });
    connect(m_runPage->run(), &CompressionRun::finished, this, [this] {
        const RunPlan plan = m_runPage->run()->plan();
        m_pair->suggestPair(fromUtf8(plan.quantize.model), fromUtf8(plan.quantize.out));
    });
}

void MainWindow::onMeasuringChanged(bool running)
{
    if (!running && m_closeWhenIdle)
        close();
}

bool MainWindow::isMeasuring() const
{
    return m_latencyPage->isRunning() || m_reportPage->isRunning();
}

void MainWindow::cancelMeasuring()
{
    m_latencyPage->cancel();
    if (m_reportPage->isRunning())
        m_reportPage->cancel();
}

void MainWindow::setMeasuringBusy(bool busy)
{
    m_latencyPage->setWorkerBusy(busy);
    m_reportPage->setWorkerBusy(busy);
}

void MainWindow::showReportPage()
{
    m_reportAction->trigger();
}

void MainWindow::showLatencyPage()
{
    m_latencyAction->trigger();
}

} // namespace sa::ui
