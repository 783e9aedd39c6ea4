// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/picture_tour_measure.h"

#include "ui/main_window.h"
#include "ui/measure/job_strip.h"
#include "ui/measure/latency_page.h"
#include "ui/measure/model_pair.h"
#include "ui/worker/worker_client.h"

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
                shoot(QStringLiteral("latency"), [this] { succeed(); });
            });
}

} // namespace sa::ui
