// SPDX-License-Identifier: GPL-3.0-or-later
// Medians of a few series over named steps, with whiskers from the lower to the upper quartile. The value axis begins
// at zero, so that heights compare as the figures do.
#pragma once

#include <QStringList>
#include <QWidget>

#include <vector>

class QCPErrorBars;
class QCPGraph;
class QCustomPlot;

namespace sa::ui
{

class SpreadPlot final : public QWidget
{
    Q_OBJECT
public:
    struct Point {
        double median = 0, low = 0, high = 0; ///< NaN: a gap
    };
    struct Series {
        QString name; ///< shown text
        std::vector<Point> points;
    };

    /// `unit`: for tool tips, "ms".
    SpreadPlot(const QString& name, const QString& xTitle, const QString& yTitle, const QString& unit,
               QWidget* parent = nullptr);
    /// At most two series, a point for each step.
    void setSeries(const QStringList& steps, const std::vector<Series>& series);

    QSize minimumSizeHint() const override { return {220, 150}; }

protected:
    void changeEvent(QEvent* event) override;
    void showEvent(QShowEvent* event) override;

private:
    struct Line {
        QCPGraph* graph;
        QCPErrorBars* whiskers;
    };
    void applyColors();
    void replot();
    void describe();
    void showToolTip(const QPoint& point);

    QString m_unit;
    QCustomPlot* m_plot;
    std::vector<Line> m_lines;
    QStringList m_steps;
    std::vector<Series> m_series;
};

} // namespace sa::ui
