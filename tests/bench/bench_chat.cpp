// SPDX-License-Identifier: GPL-3.0-or-later
// How long the window's thread is away from its event loop while two workers stream as fast as they can: the longest
// event, and how many took longer than a frame. One JSON line.
//
//   QT_QPA_PLATFORM=offscreen bench_chat [TOKENS]
#include "ui/compare/chat_page.h"
#include "ui/compare/chat_pane.h"
#include "ui/compare/chat_session.h"
#include "ui/compare/chat_view.h"
#include "ui/compare/token_view.h"
#include "ui/style/theme.h"

#include <QApplication>
#include <QDir>
#include <QElapsedTimer>
#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <cstdio>
#include <vector>

namespace
{

constexpr double kFrameMs = 16;

/// Times every event that comes from the loop; what one event sends on is part of it.
class TimedApplication final : public QApplication
{
public:
    using QApplication::QApplication;
    bool notify(QObject* receiver, QEvent* event) override
    {
        if (m_depth > 0 || !m_armed)
            return QApplication::notify(receiver, event);
        ++m_depth;
        QElapsedTimer clock;
        clock.start();
        const bool handled = QApplication::notify(receiver, event);
        m_times.push_back(static_cast<double>(clock.nsecsElapsed()) / 1e6);
        --m_depth;
        return handled;
    }
    void arm(bool armed) { m_armed = armed; }
    std::vector<double>& times() { return m_times; }

private:
    int m_depth = 0;
    bool m_armed = false;
    std::vector<double> m_times;
};

} // namespace

int main(int argc, char** argv)
{
    TimedApplication app(argc, argv);
    const int tokens = argc > 1 ? std::atoi(argv[1]) : 2000;
    sa::ui::Theme theme(app);
    theme.apply(sa::ui::ThemeMode::Light);
    const QTemporaryDir folder;
    sa::ui::ChatPage page({{QStringLiteral(SA_BIN_DIR "/fake_worker"), {QStringLiteral("fast-chat")}},
                           {},
                           folder.filePath(QStringLiteral("chats"))});
    page.resize(1180, 720);
    page.show();
    page.chooseModel(0, folder.filePath(QStringLiteral("toy")));
    page.chooseModel(1, folder.filePath(QStringLiteral("toy-packed")));
    if (!QTest::qWaitFor([&] { return page.isReady(); }, 20'000))
        return 1;
    sa::ui::Sampling sampling;
    sampling.maxTokens = tokens;
    page.session()->setSampling(sampling);

    QElapsedTimer clock;
    clock.start();
    app.arm(true);
    page.session()->send(QStringLiteral("What jumps?"));
    const bool ended = QTest::qWaitFor([&] { return !page.isRunning(); }, 120'000);
    const double seconds = static_cast<double>(clock.elapsed()) / 1000;
    app.arm(false);

    auto& times = app.times();
    std::sort(times.begin(), times.end());
    if (!ended || times.empty() || page.view()->pane(1)->view()->tokenCount(1) != tokens)
        return 1;
    const auto longer = times.end() - std::upper_bound(times.begin(), times.end(), kFrameMs);
    std::printf("{\"bench\":\"chat\",\"tokens\":%d,\"panes\":2,\"seconds\":%.3f,\"events\":%zu,\"longest_ms\":%.2f,"
                "\"p999_ms\":%.2f,\"over_16_ms\":%td}\n",
                tokens, seconds, times.size(), times.back(), times[times.size() * 999 / 1000], longer);
    return 0;
}
