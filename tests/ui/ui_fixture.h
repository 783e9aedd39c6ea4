// SPDX-License-Identifier: GPL-3.0-or-later
// What the window's tests share: the fake worker, short ladders, a job's end to wait for.
#pragma once

#include "ui/style/theme.h"
#include "ui/worker/worker_client.h"

#include <QApplication>
#include <QLocale>
#include <QRegularExpression>
#include <QSignalSpy>
#include <QTest>

#include <memory>
#include <optional>

namespace sa::ui
{

constexpr int kPatienceMs = 90'000; ///< generous: the machine may be busy; nothing is timed by it

inline WorkerCommand fakeWorker(const QString& mode, int layer = 5)
{
    return {QStringLiteral(SA_BIN_DIR "/fake_worker"), {mode, QString::number(layer)}};
}

/// The language and the colours that tests expect; the theme is to live as long as the windows.
inline std::unique_ptr<Theme> englishAndLight()
{
    QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates));
    auto theme = std::make_unique<Theme>(*qApp);
    theme->apply(ThemeMode::Light);
    return theme;
}

/// Rungs of a tenth of a second, so that a whole ladder fits into a test.
inline WorkerClient::Timing shortLadder()
{
    return {100, 100, 300};
}

inline QuantizeSpec quantizeSpec()
{
    QuantizeSpec spec;
    spec.model = "/models/toy";
    spec.out = "/models/toy-lat-3bit";
    return spec;
}

/// Counts what a job said, and how it ended.
class JobEnd : public QObject
{
public:
    JobEnd(JobService& service, JobId id)
    {
        connect(&service, &JobService::finished, this, [this, id](JobId job, const Json& value) {
            if (job == id)
                result = value, ++ends;
        });
        connect(&service, &JobService::failed, this, [this, id](JobId job, const JobFailure& value) {
            if (job == id)
                failure = value, ++ends;
        });
        connect(&service, &JobService::layerFinished, this, [this, id](JobId job) { layers += job == id; });
        connect(&service, &JobService::progressed, this, [this, id](JobId job, const Progress& value) {
            if (job == id) {
                ++progresses;
                lastProgress = value;
            }
        });
    }
    bool wait() const
    {
        return QTest::qWaitFor([this] { return ends > 0; }, kPatienceMs);
    }
    Errc code() const { return failure ? failure->error.code : Errc::Internal; }

    std::optional<Json> result;
    std::optional<JobFailure> failure;
    std::optional<Progress> lastProgress;
    int ends = 0, layers = 0, progresses = 0;
};

/// To be called in init(): a warning nobody expected is a failure.
inline void failOnWarnings()
{
    QTest::failOnWarning(QRegularExpression(QStringLiteral(".?")));
}

/// The same where windows are shown: Qt's offscreen platform says about each that it cannot do one thing.
inline void failOnWarningsOfWindows()
{
    QTest::failOnWarning(QRegularExpression(QStringLiteral("^(?!This plugin does not support propagateSizeHints)")));
}

} // namespace sa::ui
