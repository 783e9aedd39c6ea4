// SPDX-License-Identifier: GPL-3.0-or-later
// The steps of a run in a row: done, current, to come.
#pragma once

#include <QStringList>
#include <QWidget>

namespace sa::ui
{

class StepStrip final : public QWidget
{
    Q_OBJECT
public:
    explicit StepStrip(QWidget* parent = nullptr);

    void setSteps(const QStringList& steps);
    void setCurrent(int index); ///< steps.size(): all done

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    double paintedWidth() const;

    QStringList m_steps;
    int m_current = 0;
};

} // namespace sa::ui
