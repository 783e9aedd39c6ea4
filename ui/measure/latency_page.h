// SPDX-License-Identifier: GPL-3.0-or-later
// The Latency page: two models timed in turns by one worker job, and what came out, kept for the pair.
#pragma once

#include "ui/jobs/single_job.h"
#include "ui/measure/latency_result.h"

#include <QDateTime>
#include <QWidget>

#include <optional>

class QLabel;
class QPushButton;
class QStackedWidget;
class QToolButton;

namespace sa::ui
{

class Banner;
class FileSaver;
class JobStrip;
class LatencyForm;
class LatencyView;
class ModelPair;
class PairChooser;

class LatencyPage final : public QWidget
{
    Q_OBJECT
public:
    struct Options {
        QString resultsFolder; ///< where measurements are kept
    };

    /// `service` and `pair` are borrowed and must outlive the page.
    LatencyPage(JobService& service, ModelPair& pair, Options options, QWidget* parent = nullptr);

    void setDevices(const std::vector<DeviceInfo>& devices);
    /// The worker has a job that is not this page's.
    void setWorkerBusy(bool busy);

    void measure();
    void cancel();
    bool isRunning() const { return m_job.isRunning() || m_stamping; }
    /// Writes the shown result: .csv is a table, everything else JSON.
    void exportTo(const QString& path);

    PairChooser* chooser() const { return m_chooser; }
    LatencyForm* form() const { return m_form; }
    LatencyView* view() const { return m_view; }
    JobStrip* strip() const { return m_strip; }
    Banner* banner() const { return m_banner; }
    const std::optional<LatencyResult>& result() const { return m_result; }
    bool isStale() const { return m_stale; }
    bool showsResult() const;
    QString obstacle() const; ///< why nothing can be measured now, or empty

Q_SIGNALS:
    void activityChanged(const QString& text, double fraction);
    void runningChanged(bool running);
    void noted(const sa::Note& note);
    void kept(); ///< a new result is on disk

protected:
    void showEvent(QShowEvent* event) override;

private:
    QWidget* makeContent();
    QWidget* makeHeader();
    void onPairChanged();
    void launch(const QStringList& stamps);
    void onFinished(const Json& result);
    void onFailed(const JobFailure& failure);
    void settle();
    void loadKept();
    void present(LatencyResult result, const QDateTime& measured, bool stale);
    void clearResult();
    void refresh();

    JobService& m_service;
    ModelPair& m_pair;
    Options m_options;
    SingleJob m_job;
    QStringList m_measuring, m_stamps; ///< folders of the job, and what they looked like before it
    std::optional<LatencyResult> m_result;
    bool m_stale = false, m_stamping = false, m_otherJob = false;
    quint64 m_generation = 0;

    Banner* m_banner;
    FileSaver* m_saver;
    QStackedWidget* m_stack;
    PairChooser* m_chooser;
    QWidget* m_content;
    LatencyForm* m_form = nullptr;
    JobStrip* m_strip = nullptr;
    QStackedWidget* m_lower = nullptr;
    QWidget* m_nothing = nullptr;
    QWidget* m_scroll = nullptr;
    LatencyView* m_view = nullptr;
    QLabel* m_status = nullptr;
    QToolButton* m_export = nullptr;
    QPushButton* m_measure = nullptr;
};

} // namespace sa::ui
