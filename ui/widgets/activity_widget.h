// SPDX-License-Identifier: GPL-3.0-or-later
// What runs now, at the right end of the status bar. Clicking it leads to the page of the job.
#pragma once

#include <QWidget>

class QLabel;
class QProgressBar;

namespace sa::ui
{

class ActivityWidget final : public QWidget
{
    Q_OBJECT
public:
    explicit ActivityWidget(QWidget* parent = nullptr);
    /// An empty text hides it.
    void setActivity(const QString& text, double fraction);

Q_SIGNALS:
    void clicked();

protected:
    void mouseReleaseEvent(QMouseEvent* event) override;

private:
    QLabel* m_text;
    QProgressBar* m_bar;
};

} // namespace sa::ui
