// SPDX-License-Identifier: GPL-3.0-or-later
// What the heatmap's colours, hatches and marks mean; only those that are to be seen now.
#pragma once

#include <QWidget>

namespace sa::ui
{

class HeatmapView;

class HeatmapLegend final : public QWidget
{
    Q_OBJECT
public:
    /// `heatmap` is borrowed and must outlive the legend.
    explicit HeatmapLegend(const HeatmapView& heatmap, QWidget* parent = nullptr);

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    void refresh();
    int paintBits(QPainter& painter, int x) const;
    int paintBar(QPainter& painter, int x) const;
    void paintMarks(QPainter& painter, int x) const;

    const HeatmapView& m_heatmap;
    unsigned m_marks = 0;
    bool m_hatched = false, m_failed = false;
};

} // namespace sa::ui
