// SPDX-License-Identifier: GPL-3.0-or-later
// Offers unfinished compressions: which model, how far, when, and what to do about it. Fed with values.
#pragma once

#include "ui/jobs/unfinished_jobs.h"

#include <QWidget>

class QVBoxLayout;

namespace sa::ui
{

class UnfinishedList final : public QWidget
{
    Q_OBJECT
public:
    explicit UnfinishedList(QWidget* parent = nullptr);

    /// Hidden while there are none.
    void setJobs(const std::vector<UnfinishedJob>& jobs);
    const std::vector<UnfinishedJob>& jobs() const { return m_jobs; }
    /// While another job runs, nothing can be resumed.
    void setResumeAllowed(bool allowed);

Q_SIGNALS:
    void resumeRequested(const sa::ui::UnfinishedJob& job);
    void discardRequested(const sa::ui::UnfinishedJob& job);
    /// Not now: to be offered again by the next window.
    void laterRequested(const sa::ui::UnfinishedJob& job);

private:
    QWidget* makeRow(const UnfinishedJob& job);

    std::vector<UnfinishedJob> m_jobs;
    QVBoxLayout* m_rows;
    bool m_resumeAllowed = true;
};

/// "18 of 42 layers"
QString keptText(const KeptWork& kept);

} // namespace sa::ui
