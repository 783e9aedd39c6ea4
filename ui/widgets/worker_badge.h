// SPDX-License-Identifier: GPL-3.0-or-later
// The worker's state in the status bar: a dot, a word, and what it computes on.
#pragma once

#include "ui/worker/worker_client.h"

#include <QWidget>

class QLabel;

namespace sa::ui
{

class WorkerBadge final : public QWidget
{
    Q_OBJECT
public:
    explicit WorkerBadge(QWidget* parent = nullptr);

    void setState(WorkerClient::State state, const std::optional<Hello>& hello);
    /// Takes the place of the plain text: a silence or a rung of the stop ladder. Empty: back to the state.
    void setRemark(const QString& text);
    QString text() const;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    void refresh();

    WorkerClient::State m_state = WorkerClient::State::NotStarted;
    QString m_stateText, m_remark;
    QLabel* m_label;
};

} // namespace sa::ui
