// SPDX-License-Identifier: GPL-3.0-or-later
// The heatmap: blocks from left to right, projections from top to bottom, and below every block a bar of its mean bits.
// Arrow keys move, Shift extends, Space toggles, Ctrl+A takes all, 1 to 4 pin, K keeps, Delete frees; Ctrl+wheel zooms.
#pragma once

#include "ui/cockpit/cell_figures.h"
#include "ui/cockpit/cell_painter.h"
#include "ui/cockpit/cell_selection.h"
#include "ui/cockpit/heatmap_geometry.h"

#include <QAbstractScrollArea>
#include <QPixmap>

namespace sa::ui
{

class HeatmapView final : public QAbstractScrollArea
{
    Q_OBJECT
public:
    /// Both are borrowed and must outlive the view.
    HeatmapView(AllocationDocument& document, CellSelection& selection, QWidget* parent = nullptr);

    void setView(const View& view);
    const View& view() const { return m_view; }
    const CellGrid& grid() const { return m_grid; }
    const FigureScale& scale() const { return m_scale; }
    bool hasEstimates() const { return m_hasEstimates; }
    bool isByWeightScore() const { return m_byWeightScore; }
    AllocationDocument& document() const { return m_document; }
    CellSelection& selection() const { return m_selection; }
    /// Of the viewport; empty: no such cell, or scrolled away.
    QRect cellRect(CellPlace place) const;
    const CellLook& lookOf(int linear) const { return m_looks[static_cast<std::size_t>(linear)]; }
    /// 1: all columns fit.
    void setZoom(double zoom);
    double zoom() const { return m_zoom; }

    QSize minimumSizeHint() const override { return {320, 220}; }
    QSize sizeHint() const override { return {720, 400}; }

Q_SIGNALS:
    void viewChanged(); ///< what is shown, or its scale
    void menuRequested(const QPoint& globalPosition);
    void pinRequested(int bits);
    void freeRequested();

protected:
    bool viewportEvent(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void changeEvent(QEvent* event) override;
    void scrollContentsBy(int dx, int dy) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;

private:
    void rebuild();
    void relayout();
    void refreshLooks();
    void invalidate(); ///< everything is drawn anew
    void drawCache();
    CellLook lookFor(int linear, const CellFigure& figure, const FigureScale& scale) const;
    void paintLabels(QPainter& painter) const;
    void paintSelection(QPainter& painter) const;
    void paintBars(QPainter& painter) const;
    void pressAt(const QPoint& point, Qt::KeyboardModifiers modifiers);
    void move(int rows, int columns, bool extend);
    void moveTo(CellPlace place, bool extend);
    void reveal(int column);

    AllocationDocument& m_document;
    CellSelection& m_selection;
    View m_view;
    CellGrid m_grid;
    HeatmapGeometry m_geometry;
    FigureScale m_scale;
    CellPainter m_painter;
    std::vector<CellLook> m_looks;
    std::vector<int> m_dirty; ///< linears whose cell in m_cache is old
    QPixmap m_cache;          ///< of the cells, as large as the viewport
    bool m_cacheValid = false;
    bool m_hasEstimates = false, m_byWeightScore = false;
    double m_zoom = 1;
    CellPlace m_anchor; ///< where a selection by Shift or by dragging began
    bool m_rubber = false;
};

} // namespace sa::ui
