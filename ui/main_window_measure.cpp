// SPDX-License-Identifier: GPL-3.0-or-later
// The window's part in the pages that measure two models: which they are, and whose turn it is at the worker.
#include "ui/main_window.h"
#include "ui/measure/latency_page.h"
#include "ui/measure/model_pair.h"
#include "ui/pages/run_page.h"
#include "ui/text.h"
#include "ui/widgets/activity_widget.h"
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
    connect(m_latencyPage, &LatencyPage::activityChanged, this,
            [this](const QString& text, double fraction) { m_activity->setActivity(text, fraction); });
    connect(m_latencyPage, &LatencyPage::runningChanged, this, &MainWindow::onMeasuringChanged);
    connect(m_latencyPage, &LatencyPage::noted, this, [this](const Note& note) {
        m_log->append(tr("note"), {QStringLiteral("%1: %2").arg(shown(note.severity, 40), shown(note.message, 1000))});
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
    return m_latencyPage->isRunning();
}

void MainWindow::cancelMeasuring()
{
    m_latencyPage->cancel();
}

void MainWindow::showLatencyPage()
{
    m_latencyAction->trigger();
}

} // namespace sa::ui
