// SPDX-License-Identifier: GPL-3.0-or-later
// Before and after, side by side, and what to do with the result.
#pragma once

#include "ui/jobs/compression_run.h"

#include <QFrame>

class QGridLayout;
class QLabel;
class QPushButton;

namespace sa::ui
{

class ResultPanel final : public QFrame
{
    Q_OBJECT
public:
    explicit ResultPanel(QWidget* parent = nullptr);

    void setOutcome(const RunOutcome& outcome);
    /// Disabled while another job runs.
    void setJobsAllowed(bool allowed);
    QString headline() const;

Q_SIGNALS:
    void exportRequested();
    void openFolderRequested();
    void openModelRequested();

private:
    struct Row {
        QLabel *before, *after, *change;
    };
    Row addRow(const QString& name, const QString& meaning);
    void setPerplexity(const RunOutcome& outcome);
    void setSpeed(const RunOutcome& outcome);

    QGridLayout* m_grid;
    QLabel* m_headline;
    QLabel* m_where;
    Row m_size, m_bits, m_perplexity, m_speed;
    QPushButton* m_export;
};

} // namespace sa::ui
