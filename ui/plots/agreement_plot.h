// SPDX-License-Identifier: GPL-3.0-or-later
// Predicted error of each layer against the one that a run has measured, both logarithmic: on the line, the prediction
// was right.
#pragma once

#include "core/base/result.h"

#include <QString>
#include <QWidget>

#include <vector>

class QCPGraph;
class QCustomPlot;

namespace sa::ui
{

class AgreementPlot final : public QWidget
{
    Q_OBJECT
public:
    struct Point {
        double predicted = 0, measured = 0; ///< those that are not positive are left out
        QString name;                       ///< shown text
    };

    explicit AgreementPlot(QWidget* parent = nullptr);
    void setPoints(const std::vector<Point>& points);
    Result<void> save(const QString& path);
    QSize minimumSizeHint() const override { return {200, 140}; }

protected:
    void changeEvent(QEvent* event) override;
    void showEvent(QShowEvent* event) override;

private:
    void applyColors();
    void replot();
    void showToolTip(const QPoint& point);

    QCustomPlot* m_plot;
    QCPGraph *m_line, *m_dots;
    std::vector<Point> m_points;
};

} // namespace sa::ui
