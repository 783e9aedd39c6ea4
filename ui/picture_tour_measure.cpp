// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/picture_tour_measure.h"

#include "ui/main_window.h"
#include "ui/measure/export_gate.h"
#include "ui/measure/job_strip.h"
#include "ui/measure/latency_page.h"
#include "ui/measure/model_pair.h"
#include "ui/measure/report_form.h"
#include "ui/measure/report_page.h"
#include "ui/worker/worker_client.h"

#include <QDialog>
#include <QLineEdit>

namespace sa::ui
{

MeasureTour::MeasureTour(MainWindow& window, Theme& theme, Options options, QObject* parent)
    : PictureTaker(window, theme, options.folder, options.suffix, parent)
    , m_options(std::move(options))
{
}

void MeasureTour::start()
{
    if (!begin())
        return;
    waitFor([this] { return m_window.worker()->state() == WorkerClient::State::Ready; },
            [this] { showLatencyChooser(); });
}

void MeasureTour::showLatencyChooser()
{
    m_window.showLatencyPage();
    m_window.modelPair()->setRecent({m_options.original, m_options.compressed});
    m_window.modelPair()->choose(ModelPair::kOriginal, m_options.original);
    waitFor([this] { return !m_window.modelPair()->known().models().empty(); },
            [this] { shoot(QStringLiteral("latency-models"), [this] { showLatencyRunning(); }); });
}

void MeasureTour::showLatencyRunning()
{
    m_window.modelPair()->choose(ModelPair::kCompressed, m_options.compressed);
    LatencyPage* page = m_window.latencyPage();
    page->measure();
    waitFor([page] { return !page->isRunning() || page->strip()->fraction() > 0.3; },
            [this] { shoot(QStringLiteral("latency-running"), [this] { showLatency(); }); });
}

void MeasureTour::showLatency()
{
    LatencyPage* page = m_window.latencyPage();
    waitFor([page] { return !page->isRunning(); },
            [this, page] {
                if (!page->showsResult())
                    return fail(QStringLiteral("the models were not measured"));
                shoot(QStringLiteral("latency"), [this] { showReportForm(); });
            });
}

void MeasureTour::showReportForm()
{
    m_window.showReportPage();
    ReportPlan plan = m_window.reportPage()->form()->plan({}, {});
    plan.latency = true;
    plan.spec.maxKl = 0.1;
    plan.spec.maxPerplexityIncrease = 10;
    m_window.reportPage()->form()->setPlan(plan);
    shoot(QStringLiteral("report-settings"), [this] { showReport(); });
}

void MeasureTour::showReport()
{
    ReportPage* page = m_window.reportPage();
    page->make();
    waitFor([page] { return !page->isRunning(); },
            [this, page] {
                if (!page->report())
                    return fail(QStringLiteral("the report was not made"));
                shoot(QStringLiteral("report"), [this] { showFailedReport(); });
            });
}

void MeasureTour::showFailedReport()
{
    ReportPage* page = m_window.reportPage();
    ReportPlan plan = page->form()->plan({}, {});
    plan.spec.maxKl = 0.01;
    page->form()->setPlan(plan);
    page->make();
    waitFor([page] { return !page->isRunning(); },
            [this] { shoot(QStringLiteral("report-failed"), [this] { showGate(); }); });
}

void MeasureTour::showGate()
{
    ExportGate* gate = m_window.exportGate();
    gate->ask(m_options.compressed);
    waitFor([gate] { return gate->dialog() && gate->dialog()->isVisible(); },
            [this, gate] {
                gate->dialog()->findChild<QLineEdit*>()->setText(tr("For the demonstration board, where size is all"));
                shoot(QStringLiteral("report-gate"), [this, gate] {
                    gate->dialog()->reject();
                    succeed();
                });
            });
}

} // namespace sa::ui
