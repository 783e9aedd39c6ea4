// SPDX-License-Identifier: GPL-3.0-or-later
// The Report page: what to measure and which limits to keep, the run of it, and the certificate with its page.
#pragma once

#include "ui/measure/report_run.h"

#include <QWidget>

#include <memory>
#include <optional>

class QLabel;
class QPushButton;
class QStackedWidget;
class QTextBrowser;
class QTextDocument;
class QToolButton;

namespace sa::ui
{

class Banner;
class FileSaver;
class JobStrip;
class LimitsCard;
class ModelPair;
class PairChooser;
class ReportForm;

class ReportPage final : public QWidget
{
    Q_OBJECT
public:
    /// `service` and `pair` are borrowed and must outlive the page. `resultsFolder`: where reports are kept.
    ReportPage(JobService& service, ModelPair& pair, const QString& resultsFolder, QWidget* parent = nullptr);
    ~ReportPage() override;

    /// The worker has a job that is not this page's.
    void setWorkerBusy(bool busy);
    void make();
    void cancel() { m_run->cancel(); }
    bool isRunning() const { return m_run->isRunning(); }
    /// As .html, .pdf or .json, by the ending.
    void saveTo(const QString& path);
    void print();
    /// Another part of the window has changed what is kept.
    void reload();

    ReportForm* form() const { return m_form; }
    LimitsCard* limits() const { return m_limits; }
    JobStrip* strip() const { return m_strip; }
    Banner* banner() const { return m_banner; }
    QTextBrowser* preview() const { return m_preview; }
    const std::optional<Report>& report() const { return m_report; }
    QString obstacle() const;

Q_SIGNALS:
    void activityChanged(const QString& text, double fraction);
    void runningChanged(bool running);
    void noted(const sa::Note& note);
    void exportRequested(const QString& compressed);

protected:
    void showEvent(QShowEvent* event) override;

private:
    QWidget* makeHeader();
    QWidget* makeContent();
    void connectRun();
    void onPairChanged();
    void askWhereToSave(const QString& ending, const QString& filter);
    void present(const Report& report);
    void refresh();

    ModelPair& m_pair;
    QString m_place;
    ReportRun* m_run;
    std::optional<Report> m_report;
    std::shared_ptr<QTextDocument> m_document; ///< the preview only borrows it
    bool m_otherJob = false;
    quint64 m_generation = 0;

    Banner* m_banner;
    FileSaver* m_saver;
    QStackedWidget* m_stack;
    PairChooser* m_chooser;
    QWidget* m_content;
    QLabel* m_status = nullptr;
    QToolButton* m_save = nullptr;
    QPushButton *m_export = nullptr, *m_make = nullptr;
    ReportForm* m_form = nullptr;
    JobStrip* m_strip = nullptr;
    LimitsCard* m_limits = nullptr;
    QStackedWidget* m_right = nullptr;
    QWidget *m_nothing = nullptr, *m_result = nullptr;
    QTextBrowser* m_preview = nullptr;
};

} // namespace sa::ui
