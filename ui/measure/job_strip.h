// SPDX-License-Identifier: GPL-3.0-or-later
// A job of a measuring page as it goes on: what, how far, how fast, how long still, and a way to end it.
#pragma once

#include "core/protocol/messages.h"

#include <QFrame>

class QLabel;
class QProgressBar;
class QPushButton;

namespace sa::ui
{

class JobStrip final : public QFrame
{
    Q_OBJECT
public:
    explicit JobStrip(QWidget* parent = nullptr);

    /// `what`: "Measuring"; `meaning`: what Cancel leaves behind.
    void begin(const QString& what, const QString& meaning);
    void setWhat(const QString& what);
    void setProgress(const Progress& progress);
    void setCancelling();

    QString text() const; ///< one line for the status bar
    double fraction() const;

Q_SIGNALS:
    void cancelRequested();

private:
    QLabel *m_what, *m_step, *m_percent, *m_numbers;
    QProgressBar* m_bar;
    QPushButton* m_cancel;
    bool m_cancelling = false;
};

} // namespace sa::ui
