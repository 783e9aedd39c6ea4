// SPDX-License-Identifier: GPL-3.0-or-later
// How long the window's thread is away from its event loop while the Report page shows a long report: until it is
// there, while the page is made wider and narrower, while it is read to its end, and while it is printed to a file.
// One JSON line for each.
//
//   QT_QPA_PLATFORM=offscreen bench_report REPORT.html [COPIES]     (as `shiftadd report --html` writes it)
#include "tests/support/timed_application.h"
#include "tests/ui/measure_fixture.h"
#include "ui/measure/report_page.h"
#include "ui/style/theme.h"

#include <QFile>
#include <QScrollBar>
#include <QTextBrowser>

#include <cstdio>

using namespace sa::ui;

namespace
{

void print(const char* what, const TimedApplication::Figures& figures)
{
    std::printf("{\"bench\":\"report\",\"what\":\"%s\",\"events\":%zu,\"longest_ms\":%.2f,\"over_16_ms\":%td}\n", what,
                figures.events, figures.longestMs, figures.late);
}

} // namespace

int main(int argc, char** argv)
{
    TimedApplication app(argc, argv);
    QFile file(argc > 1 ? QString::fromLocal8Bit(argv[1]) : QString());
    if (!file.open(QIODevice::ReadOnly))
        return 2;
    QString html = QString::fromUtf8(file.readAll());
    const int copies = argc > 2 ? std::atoi(argv[2]) : 1;
    const auto from = html.indexOf(QStringLiteral("<body>")) + 6, to = html.indexOf(QStringLiteral("</body>"));
    html.insert(to, html.mid(from, to - from).repeated(copies - 1));

    Theme theme(app);
    theme.apply(ThemeMode::Light);
    MeasureFixture fixture;
    const QString place = fixture.folder.filePath(QStringLiteral("measurements"));
    fixture.choose(QStringLiteral("toy"), QStringLiteral("toy-packed"));
    if (!fixture.keep(place, html))
        return 1;

    ReportPage page(fixture.worker, fixture.pair, place);
    page.resize(1180, 720);
    app.arm();
    page.show();
    auto* preview = page.findChild<QTextBrowser*>();
    if (!QTest::qWaitFor([&] { return preview->document()->characterCount() > 100; }, 20'000))
        return 1;
    QTest::qWait(1000);
    print("shown", app.disarm());
    app.arm();
    for (int i = 0; i < 40; ++i) {
        page.resize(1180 + (i < 20 ? i : 40 - i) * 16, 720);
        QTest::qWait(20);
    }
    QTest::qWait(500);
    print("resized", app.disarm());
    app.arm();
    QScrollBar* bar = preview->verticalScrollBar();
    for (int i = 0; i <= 100; ++i) {
        bar->setValue(bar->maximum() * i / 100);
        QTest::qWait(10);
    }
    print("read", app.disarm());
    return 0;
}
