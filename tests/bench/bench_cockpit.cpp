// SPDX-License-Identifier: GPL-3.0-or-later
// Frame times of the bit budget page: the real page, painted by software into memory, while the slider is dragged over
// its whole range. One frame is one mouse move until everything it caused has been solved and painted. Prints one JSON
// line for each layer list.
//
//   bench_cockpit [STEPS]       (QT_QPA_PLATFORM=offscreen is set where nothing else is)
#include "core/protocol/messages.h"
#include "tests/support/synthetic_sensitivity.h"
#include "ui/cockpit/budget_panel.h"
#include "ui/cockpit/budget_track.h"
#include "ui/cockpit/cockpit_page.h"
#include "ui/style/theme.h"

#include <QApplication>
#include <QElapsedTimer>
#include <QMouseEvent>

#include <algorithm>
#include <cstdio>
#include <vector>

using namespace sa;
using namespace sa::ui;

namespace
{

/// A service that never has anything to say.
class SilentService final : public JobService
{
public:
    JobId start(const JobSpec&) override { return 1; }
    void cancel(JobId) override {}
    bool isBusy() const override { return false; }
};

void send(BudgetTrack& track, QEvent::Type type, const QPoint& point)
{
    const bool held = type != QEvent::MouseButtonRelease;
    QMouseEvent event(type, point, track.mapToGlobal(point), type == QEvent::MouseMove ? Qt::NoButton : Qt::LeftButton,
                      held ? Qt::LeftButton : Qt::NoButton, Qt::NoModifier);
    QApplication::sendEvent(&track, &event);
}

bool settle(const AllocationDocument& document)
{
    QElapsedTimer patience;
    patience.start();
    while (!document.isCurrent() && patience.elapsed() < 20'000)
        QApplication::processEvents(QEventLoop::AllEvents, 1);
    return document.isCurrent();
}

double at(const std::vector<double>& sorted, double share)
{
    return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(share * static_cast<double>(sorted.size())))];
}

bool measure(const char* name, const LlamaShape& shape, int steps)
{
    SilentService service;
    CockpitPage page(service);
    page.resize(1186, 700); // of a window of 1280 x 800
    ModelSummary model;
    model.folder = QStringLiteral("/synthetic");
    model.quantizableParameters = 1;
    LayerRow row;
    row.name = QStringLiteral("model.layers.0.none");
    row.N = row.K = 8;
    model.layers = {row};
    page.setModel(model);
    page.document().setSensitivity(syntheticSensitivity(shape));
    page.budget()->setTraffic(TokenTraffic{2048, 1e6, 2e6}, 4096);
    page.budget()->setSpeedBasis(SpeedBasis{1e10, QStringLiteral("nothing")});
    page.show();
    if (!settle(page.document()))
        return false;
    for (int i = 0; i < 20; ++i)
        QApplication::processEvents();

    BudgetTrack& track = *page.budget()->track();
    const BudgetScale& scale = track.scale();
    const QPoint first = track.pointAt(scale.floor());
    const QPoint last = track.pointAt(scale.ceiling());
    send(track, QEvent::MouseButtonPress, first);
    std::vector<double> frames, solves;
    for (int i = 1; i <= steps; ++i) {
        const QPoint point(first.x() + (last.x() - first.x()) * i / steps, first.y());
        QElapsedTimer timer;
        timer.start();
        send(track, QEvent::MouseMove, point);
        if (!settle(page.document()))
            return false;
        QApplication::sendPostedEvents();
        QApplication::processEvents();
        frames.push_back(static_cast<double>(timer.nsecsElapsed()) * 1e-6);
        solves.push_back(page.document().solveMs());
    }
    send(track, QEvent::MouseButtonRelease, last);
    std::sort(frames.begin(), frames.end());
    std::sort(solves.begin(), solves.end());
    const auto late = std::count_if(frames.begin(), frames.end(), [](double ms) { return ms > 1000.0 / 60; });
    std::printf(
        "{\"bench\":\"cockpit\",\"layers\":\"%s\",\"build\":\"%s\",\"frames\":%d,\"median_ms\":%.2f,\"p95_ms\":%.2f,"
        "\"worst_ms\":%.2f,\"over_16.7_ms\":%d,\"solve_median_ms\":%.3f,\"solve_worst_ms\":%.3f}\n",
        name, buildVersion(), steps, at(frames, 0.5), at(frames, 0.95), frames.back(), static_cast<int>(late),
        at(solves, 0.5), solves.back());
    return true;
}

} // namespace

int main(int argc, char** argv)
{
    if (qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM"))
        qputenv("QT_QPA_PLATFORM", "offscreen");
    QApplication app(argc, argv);
    Theme theme(app);
    theme.apply(ThemeMode::Light);
    const int steps = argc > 1 ? std::max(10, std::atoi(argv[1])) : 600;
    return measure("6x7", kSmall, steps) && measure("80x7", kLlama70B, steps) ? 0 : 1;
}
