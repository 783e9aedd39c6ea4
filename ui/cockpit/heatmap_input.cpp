// SPDX-License-Identifier: GPL-3.0-or-later
// Mouse and keyboard of the heatmap.
#include "ui/cockpit/heatmap_view.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <QScrollBar>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sa::ui
{

namespace
{

constexpr double kZoomStep = 1.25;

} // namespace

void HeatmapView::pressAt(const QPoint& point, Qt::KeyboardModifiers modifiers)
{
    const int row = m_geometry.rowAt(point.y());
    const int column = m_geometry.columnAt(point.x());
    std::vector<int> picked;
    const bool atRowName = point.x() < m_geometry.cells.left() && row >= 0;
    const bool atBlock = (point.y() < m_geometry.cells.top() || m_geometry.bars.contains(point)) && column >= 0;
    if (atRowName)
        picked = m_grid.linearsOfRow(row);
    else if (atBlock && point.x() >= m_geometry.cells.left())
        picked = m_grid.linearsOfColumn(column);
    else if (const int linear = m_grid.linearAt({row, column}); linear >= 0 && m_geometry.cells.contains(point))
        picked = {linear};
    if (picked.empty()) {
        if (!(modifiers & (Qt::ControlModifier | Qt::ShiftModifier)))
            m_selection.clear();
        return;
    }
    const int current = picked.front();
    if ((modifiers & Qt::ShiftModifier) && m_anchor.row >= 0 && picked.size() == 1)
        return moveTo(m_grid.placeOf(current), true);
    m_anchor = m_grid.placeOf(current);
    m_rubber = picked.size() == 1 && !(modifiers & Qt::ControlModifier);
    if (modifiers & Qt::ControlModifier) {
        std::vector<int> all = m_selection.linears();
        const bool remove =
            std::all_of(picked.begin(), picked.end(), [this](int i) { return m_selection.contains(i); });
        if (remove)
            std::erase_if(all, [&](int i) { return std::find(picked.begin(), picked.end(), i) != picked.end(); });
        else
            all.insert(all.end(), picked.begin(), picked.end());
        picked = std::move(all);
    }
    m_selection.set(std::move(picked), current);
}

void HeatmapView::mousePressEvent(QMouseEvent* event)
{
    if (event->button() == Qt::LeftButton)
        return pressAt(event->position().toPoint(), event->modifiers());
    if (event->button() == Qt::RightButton) { // the menu is about what lies under it
        const QPoint point = event->position().toPoint();
        const int linear = m_grid.linearAt({m_geometry.rowAt(point.y()), m_geometry.columnAt(point.x())});
        if (linear < 0 || !m_geometry.cells.contains(point) || !m_selection.contains(linear))
            pressAt(point, Qt::NoModifier);
        m_rubber = false;
    }
}

void HeatmapView::mouseMoveEvent(QMouseEvent* event)
{
    if (!m_rubber || !(event->buttons() & Qt::LeftButton))
        return;
    const QPoint point = event->position().toPoint();
    const QRect cells = m_geometry.cells;
    const CellPlace place{m_geometry.rowAt(std::clamp(point.y(), cells.top(), cells.bottom())),
                          m_geometry.columnAt(std::clamp(point.x(), cells.left(), cells.right()))};
    if (m_grid.linearAt(place) >= 0)
        moveTo(place, true);
}

void HeatmapView::mouseReleaseEvent(QMouseEvent* event)
{
    Q_UNUSED(event)
    m_rubber = false;
}

void HeatmapView::wheelEvent(QWheelEvent* event)
{
    if (event->modifiers() & Qt::ControlModifier) {
        setZoom(m_zoom * std::pow(kZoomStep, event->angleDelta().y() / 120.0));
        return event->accept();
    }
    QAbstractScrollArea::wheelEvent(event);
}

void HeatmapView::moveTo(CellPlace place, bool extend)
{
    const int linear = m_grid.linearAt(place);
    if (linear < 0)
        return;
    if (!extend || m_anchor.row < 0)
        m_anchor = place;
    m_selection.set(m_grid.linearsBetween(m_anchor, place), linear);
    reveal(place.column);
}

/// Steps over places where a block has no linear.
void HeatmapView::move(int rows, int columns, bool extend)
{
    CellPlace place = m_grid.placeOf(m_selection.current());
    if (place.row < 0) {
        for (int row = 0; row < m_grid.rows(); ++row)
            if (m_grid.linearAt({row, 0}) >= 0)
                return moveTo({row, 0}, false);
        return;
    }
    const int stepRow = (rows > 0) - (rows < 0);
    const int stepColumn = (columns > 0) - (columns < 0);
    place.row = std::clamp(place.row + rows, 0, std::max(0, m_grid.rows() - 1));
    place.column = std::clamp(place.column + columns, 0, std::max(0, m_grid.columns() - 1));
    while (m_grid.linearAt(place) < 0 && place.row >= 0 && place.row < m_grid.rows() && place.column >= 0 &&
           place.column < m_grid.columns()) {
        place.row += stepRow;
        place.column += stepColumn;
    }
    moveTo(place, extend);
}

void HeatmapView::reveal(int column)
{
    const double left = column * m_geometry.cellWidth;
    if (left < m_geometry.offset)
        horizontalScrollBar()->setValue(static_cast<int>(left));
    else if (left + m_geometry.cellWidth > m_geometry.offset + m_geometry.cells.width())
        horizontalScrollBar()->setValue(static_cast<int>(std::ceil(left + m_geometry.cellWidth)) -
                                        m_geometry.cells.width());
}

void HeatmapView::keyPressEvent(QKeyEvent* event)
{
    const bool extend = event->modifiers() & Qt::ShiftModifier;
    const int page = std::max(1, m_grid.columns() / 8);
    if (event->matches(QKeySequence::SelectAll)) {
        std::vector<int> all(m_looks.size());
        std::iota(all.begin(), all.end(), 0);
        return m_selection.set(std::move(all), std::max(0, m_selection.current()));
    }
    if (event->modifiers() & (Qt::ControlModifier | Qt::AltModifier | Qt::MetaModifier))
        return QAbstractScrollArea::keyPressEvent(event);
    switch (event->key()) {
    case Qt::Key_Left:
        return move(0, -1, extend);
    case Qt::Key_Right:
        return move(0, 1, extend);
    case Qt::Key_Up:
        return move(-1, 0, extend);
    case Qt::Key_Down:
        return move(1, 0, extend);
    case Qt::Key_PageUp:
        return move(0, -page, extend);
    case Qt::Key_PageDown:
        return move(0, page, extend);
    case Qt::Key_Home:
        return move(0, -m_grid.columns(), extend);
    case Qt::Key_End:
        return move(0, m_grid.columns(), extend);
    case Qt::Key_Space: {
        const int current = m_selection.current();
        std::vector<int> all = m_selection.linears();
        if (current < 0)
            return;
        if (m_selection.contains(current))
            std::erase(all, current);
        else
            all.push_back(current);
        return m_selection.set(std::move(all), current);
    }
    case Qt::Key_1:
    case Qt::Key_2:
    case Qt::Key_3:
    case Qt::Key_4:
        return Q_EMIT pinRequested(event->key() - Qt::Key_0);
    case Qt::Key_K:
        return Q_EMIT pinRequested(kKeptBits);
    case Qt::Key_Delete:
    case Qt::Key_Backspace:
        return Q_EMIT freeRequested();
    case Qt::Key_Plus:
        return setZoom(m_zoom * kZoomStep);
    case Qt::Key_Minus:
        return setZoom(m_zoom / kZoomStep);
    case Qt::Key_Escape:
        if (!m_selection.linears().empty())
            return m_selection.clear();
        break;
    default:
        break;
    }
    QAbstractScrollArea::keyPressEvent(event);
}

void HeatmapView::contextMenuEvent(QContextMenuEvent* event)
{
    if (m_selection.linears().empty())
        return;
    const bool byKey = event->reason() == QContextMenuEvent::Keyboard;
    const QRect cell = cellRect(m_grid.placeOf(m_selection.current()));
    Q_EMIT menuRequested(byKey ? viewport()->mapToGlobal(cell.bottomLeft()) : event->globalPos());
}

void HeatmapView::focusInEvent(QFocusEvent* event)
{
    QAbstractScrollArea::focusInEvent(event);
    if (m_selection.current() < 0 && event->reason() != Qt::MouseFocusReason)
        move(0, 0, false);
    viewport()->update();
}

void HeatmapView::focusOutEvent(QFocusEvent* event)
{
    QAbstractScrollArea::focusOutEvent(event);
    viewport()->update();
}

} // namespace sa::ui
