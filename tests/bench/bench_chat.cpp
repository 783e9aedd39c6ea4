// SPDX-License-Identifier: GPL-3.0-or-later
// What the Chat page costs its reader while two workers stream: how long the window's thread is away from its event
// loop, and when the first token is seen. Without models the workers are scripted and as fast as a pipe. One JSON line.
//
//   QT_QPA_PLATFORM=offscreen bench_chat [TOKENS [ORIGINAL COMPRESSED]]
#include "tests/support/timed_application.h"
#include "ui/compare/chat_page.h"
#include "ui/compare/chat_pane.h"
#include "ui/compare/chat_session.h"
#include "ui/compare/chat_view.h"
#include "ui/compare/token_view.h"
#include "ui/style/theme.h"

#include <QElapsedTimer>
#include <QTemporaryDir>
#include <QTest>

#include <cstdio>

namespace
{

/// When a pane shows its first token: the worker's own part behind the prefill, and the way from its line to the paint.
class FirstToken final : public QObject
{
public:
    FirstToken(sa::ui::WorkerClient* worker, sa::ui::TokenView* view)
        : m_view(view)
    {
        connect(worker, &sa::ui::WorkerClient::tokenArrived, this, [this] {
            if (!m_arrived.isValid())
                m_arrived.start();
        });
        connect(worker, &sa::ui::WorkerClient::finished, this, [this](sa::ui::JobId, const sa::Json& result) {
            if (result.contains("first_token_seconds"))
                workerMs =
                    1e3 * (result["first_token_seconds"].get<double>() - result["prefill_seconds"].get<double>());
        });
        view->viewport()->installEventFilter(this);
    }
    bool eventFilter(QObject*, QEvent* event) override
    {
        if (event->type() == QEvent::Paint && m_arrived.isValid() && shownMs < 0 && m_view->tokenCount(1) > 0)
            shownMs = static_cast<double>(m_arrived.nsecsElapsed()) * 1e-6;
        return false;
    }
    double workerMs = -1, shownMs = -1;

private:
    sa::ui::TokenView* m_view;
    QElapsedTimer m_arrived;
};

} // namespace

int main(int argc, char** argv)
{
    sa::ui::TimedApplication app(argc, argv);
    const int tokens = argc > 1 ? std::atoi(argv[1]) : 2000;
    const bool real = argc > 3;
    sa::ui::Theme theme(app);
    theme.apply(sa::ui::ThemeMode::Light);
    const QTemporaryDir folder;
    const QString bin = QStringLiteral(SA_BIN_DIR "/");
    const sa::ui::WorkerCommand command =
        real ? sa::ui::WorkerCommand{bin + QStringLiteral("shiftadd-worker"), {}}
             : sa::ui::WorkerCommand{bin + QStringLiteral("fake_worker"), {QStringLiteral("fast-chat")}};
    sa::ui::ChatPage page({command, {}, folder.filePath(QStringLiteral("chats"))});
    page.resize(1180, 720);
    page.show();
    page.chooseModel(0, real ? QString::fromLocal8Bit(argv[2]) : folder.filePath(QStringLiteral("toy")));
    page.chooseModel(1, real ? QString::fromLocal8Bit(argv[3]) : folder.filePath(QStringLiteral("toy-packed")));
    if (!QTest::qWaitFor([&] { return page.isReady(); }, 60'000))
        return 1;
    sa::ui::Sampling sampling;
    sampling.maxTokens = tokens;
    page.session()->setSampling(sampling);

    FirstToken left(page.worker(0), page.view()->pane(0)->view()), right(page.worker(1), page.view()->pane(1)->view());
    QElapsedTimer clock;
    clock.start();
    app.arm();
    page.session()->send(QStringLiteral("What jumps?"));
    const bool ended = QTest::qWaitFor([&] { return !page.isRunning(); }, 600'000);
    const double seconds = static_cast<double>(clock.elapsed()) / 1000;
    const auto figures = app.disarm();
    const int shown = page.view()->pane(1)->view()->tokenCount(1);
    if (!ended || (real ? shown == 0 : shown != tokens))
        return 1;
    std::printf("{\"bench\":\"chat\",\"tokens\":%d,\"panes\":2,\"seconds\":%.3f,\"events\":%zu,\"longest_ms\":%.2f,"
                "\"p999_ms\":%.2f,\"over_16_ms\":%td,\"first_token\":{\"prefill_to_worker_ms\":[%.2f,%.2f],"
                "\"worker_to_paint_ms\":[%.2f,%.2f]}}\n",
                shown, seconds, figures.events, figures.longestMs, figures.p999Ms, figures.late, left.workerMs,
                right.workerMs, left.shownMs, right.shownMs);
    return 0;
}
