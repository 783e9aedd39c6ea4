// SPDX-License-Identifier: GPL-3.0-or-later
// Size against predicted damage: the whole curve, the uniform plans and the straight lines between them, where the plan
// is now, and what was built already. A click asks for the budget under it.
#pragma once

#include "core/base/result.h"

#include <QString>
#include <QWidget>

#include <cstdint>
#include <vector>

class QCPGraph;
class QCPItemText;
class QCPLayer;
class QCustomPlot;

namespace sa::ui
{

class ParetoPlot final : public QWidget
{
    Q_OBJECT
public:
    struct Point {
        std::uint64_t bytes = 0; ///< of the linears
        double cost = 0;
        QString name; ///< "3 bits"; shown text
    };
    struct Data {
        std::uint64_t otherBytes = 0; ///< added to every size that is shown
        QString costName;             ///< title of the axis
        std::vector<Point> curve;     ///< ascending bytes
        std::vector<Point> uniforms;  ///< ascending bytes
    };

    explicit ParetoPlot(QWidget* parent = nullptr);

    void setData(const Data& tradeOff);
    void setBuilt(const std::vector<Point>& points);
    /// Quick: only this point is drawn again.
    void setCurrent(const Point& point);
    void clear();
    Result<void> save(const QString& path); ///< .svg or .png

    QSize minimumSizeHint() const override { return {220, 140}; }

Q_SIGNALS:
    void budgetPicked(quint64 bytes); ///< of the linears

protected:
    void changeEvent(QEvent* event) override;
    void showEvent(QShowEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void applyColors();
    void refresh();
    void refreshCurrent();
    void replot();
    double sizeOf(std::uint64_t bytes) const; ///< in the axis' unit
    void pick(const QPoint& point);
    void showToolTip(const QPoint& point);
    const Point* nearest(const QPoint& point) const;

    QCustomPlot* m_plot;
    QCPGraph *m_curve, *m_uniform, *m_uniformDots, *m_built, *m_current;
    QCPLayer* m_moving;
    std::vector<QCPItemText*> m_names;
    Data m_data;
    std::vector<Point> m_points; ///< built
    Point m_now;
    bool m_hasNow = false;
    double m_unit = 1; ///< bytes
};

} // namespace sa::ui
