// SPDX-License-Identifier: GPL-3.0-or-later
// Between the wish to export a compressed model and the export: looks at its last report. Past a limit it says why not,
// and lets through whoever gives a reason, which the certificate in the exported folder records.
#pragma once

#include "ui/jobs/single_job.h"
#include "ui/measure/report_store.h"

#include <QObject>

#include <optional>

class QDialog;
class QWidget;

namespace sa::ui
{

class ExportGate final : public QObject
{
    Q_OBJECT
public:
    /// `service` and `window` are borrowed and must outlive the gate. `place`: where reports are kept.
    ExportGate(JobService& service, QString place, QWidget* window);

    /// One of cleared(), failed() and nothing (the user went back) follows.
    void ask(const QString& packed);
    QDialog* dialog() const { return m_dialog; } ///< while it asks
    bool isRunning() const { return m_job.isRunning(); }

Q_SIGNALS:
    /// `certificate`: a file for the exported folder; empty where there is no report.
    void cleared(const QString& packed, const QString& certificate);
    void reportChanged(); ///< it records a reason now
    void failed(const sa::ui::JobFailure& failure);

private:
    void judge(const std::optional<Report>& report);
    void explain(const QString& title, const QStringList& lines, bool wantsReason);
    void overrule(const QString& reason);
    void clear(const Json& certificate);

    JobService& m_service;
    QString m_place;
    QWidget* m_window;
    SingleJob m_job;
    QString m_packed;
    std::optional<Report> m_report;
    QDialog* m_dialog = nullptr;
};

} // namespace sa::ui
