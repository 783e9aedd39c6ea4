// SPDX-License-Identifier: GPL-3.0-or-later
// What the heatmap draws: its cells through a cache, labels, selection, and the bars below.
#include "ui/cockpit/heatmap_view.h"

#include "ui/text.h"

#include <QPaintEvent>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace sa::ui
{

void HeatmapView::drawCache()
{
    const double ratio = devicePixelRatioF();
    const QSize size = viewport()->size() * ratio;
    if (m_cache.size() != size) {
        m_cache = QPixmap(size);
        m_cache.setDevicePixelRatio(ratio);
        m_cacheValid = false;
    }
    if (m_cacheValid && m_dirty.empty())
        return;
    QPainter painter(&m_cache);
    painter.setClipRect(m_geometry.cells);
    const auto draw = [&](int linear) {
        const CellPlace place = m_grid.placeOf(linear);
        if (place.column >= m_geometry.firstVisible() && place.column <= m_geometry.lastVisible())
            m_painter.paint(painter, m_geometry.cellRect(place), m_looks[static_cast<std::size_t>(linear)]);
    };
    if (!m_cacheValid) {
        painter.fillRect(m_geometry.cells, colorsOf(palette()).surface);
        for (std::size_t i = 0; i < m_looks.size(); ++i)
            draw(static_cast<int>(i));
    } else {
        for (const int linear : m_dirty)
            draw(linear);
    }
    m_dirty.clear();
    m_cacheValid = true;
}

void HeatmapView::paintEvent(QPaintEvent* event)
{
    drawCache();
    QPainter painter(viewport());
    painter.setClipRegion(event->region());
    const Colors& colors = colorsOf(palette());
    painter.fillRect(event->rect(), colors.surface);
    if (m_looks.empty())
        return;
    const double ratio = m_cache.devicePixelRatio();
    const QRect part = event->rect() & m_geometry.cells;
    if (!part.isEmpty())
        painter.drawPixmap(
            part.topLeft(), m_cache,
            QRectF(part.x() * ratio, part.y() * ratio, part.width() * ratio, part.height() * ratio).toRect());
    if (event->rect().left() < m_geometry.cells.left() || event->rect().top() < m_geometry.cells.top())
        paintLabels(painter);
    if (event->rect().intersects(m_geometry.bars.adjusted(-m_geometry.cells.left(), 0, 0, 0)))
        paintBars(painter);
    paintSelection(painter);
}

void HeatmapView::paintLabels(QPainter& painter) const
{
    const Colors& colors = colorsOf(palette());
    const CellPlace current = m_grid.placeOf(m_selection.current());
    painter.setFont(font());
    const QFontMetrics metrics(font());
    for (int row = 0; row < m_grid.rows(); ++row) {
        painter.setPen(row == current.row ? colors.text : colors.muted);
        const QRect place(0, m_geometry.cells.top() + row * m_geometry.cellHeight, m_geometry.cells.left() - 8,
                          m_geometry.cellHeight - m_geometry.gap());
        painter.drawText(place, Qt::AlignRight | Qt::AlignVCenter,
                         metrics.elidedText(m_grid.rowName(row), Qt::ElideMiddle, place.width()));
    }
    const int header = m_geometry.cells.top() - 4;
    painter.setPen(colors.muted);
    painter.drawText(QRect(0, 0, m_geometry.cells.left() - 8, header), Qt::AlignRight | Qt::AlignVCenter, tr("Block"));
    if (m_grid.columns() == 0)
        return;
    painter.setClipRect(QRect(m_geometry.cells.left(), 0, m_geometry.cells.width(), header + 4), Qt::IntersectClip);
    const QString widest = QString::number(m_grid.block(m_grid.columns() - 1));
    int step = 1;
    for (const int candidate : {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}) {
        step = candidate;
        if (candidate * m_geometry.cellWidth >= metrics.horizontalAdvance(widest) + 8)
            break;
    }
    for (int column = m_geometry.firstVisible(); column <= m_geometry.lastVisible(); ++column) {
        if (m_grid.block(column) % step != 0)
            continue;
        painter.setPen(column == current.column ? colors.text : colors.muted);
        const QRect cell = m_geometry.cellRect({0, column});
        const int wide = metrics.horizontalAdvance(widest) + 8;
        painter.drawText(QRect(cell.center().x() - wide / 2, 0, wide, header), Qt::AlignCenter,
                         QString::number(m_grid.block(column)));
    }
    painter.setClipping(false);
}

void HeatmapView::paintSelection(QPainter& painter) const
{
    const Colors& colors = colorsOf(palette());
    painter.setClipRect(m_geometry.cells.adjusted(-2, -2, 2, 2));
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(colors.text, 2, Qt::SolidLine, Qt::SquareCap, Qt::MiterJoin));
    for (const int linear : m_selection.linears())
        painter.drawRect(m_geometry.cellRect(m_grid.placeOf(linear)));
    if (m_selection.current() < 0 || !hasFocus())
        return;
    const QRect ring = m_geometry.cellRect(m_grid.placeOf(m_selection.current()));
    painter.setPen(QPen(colors.accent, 2, Qt::SolidLine, Qt::SquareCap, Qt::MiterJoin));
    painter.drawRect(ring.adjusted(-2, -2, 2, 2));
    painter.setPen(QPen(colors.surface, 1, Qt::SolidLine, Qt::SquareCap, Qt::MiterJoin));
    painter.drawRect(ring.adjusted(0, 0, -1, -1));
}

/// Mean bits of each block, weights counted.
void HeatmapView::paintBars(QPainter& painter) const
{
    const Colors& colors = colorsOf(palette());
    const QRect area = m_geometry.bars;
    const QFontMetrics metrics(font());
    painter.setPen(colors.muted);
    painter.setFont(font());
    painter.drawText(QRect(0, area.top(), area.left() - 8, area.height()), Qt::AlignRight | Qt::AlignVCenter,
                     tr("Mean bits"));
    const Allocation* allocation = m_document.allocation();
    if (!allocation)
        return;
    std::vector<double> weights(static_cast<std::size_t>(m_grid.columns())), bits(weights.size());
    double allWeights = 0, allBits = 0;
    for (std::size_t i = 0; i < m_looks.size(); ++i) {
        const auto column = static_cast<std::size_t>(m_grid.placeOf(static_cast<int>(i)).column);
        const auto count = static_cast<double>(m_document.sensitivity().linears[i].weights());
        weights[column] += count;
        bits[column] += count * allocation->bits[i];
        allWeights += count;
        allBits += count * allocation->bits[i];
    }
    double highest = 4;
    for (std::size_t i = 0; i < bits.size(); ++i)
        highest = std::max(highest, weights[i] > 0 ? bits[i] / weights[i] : 0);
    const bool withText = m_geometry.cellWidth >= metrics.horizontalAdvance(QStringLiteral("2.88")) + 4;
    const int head = withText ? metrics.height() + 1 : 2;
    const double unit = (area.height() - head) / highest;
    const auto meanOf = [&](int column) {
        const auto i = static_cast<std::size_t>(column);
        return bits[i] / std::max(1.0, weights[i]);
    };
    const auto barOf = [&](int column) {
        const QRect cell = m_geometry.cellRect({0, column});
        const int high = static_cast<int>(std::lround(meanOf(column) * unit));
        return QRect(cell.left(), area.bottom() + 1 - high, cell.width(), high);
    };
    painter.setClipRect(area.adjusted(-1, 0, 1, 1), Qt::IntersectClip);
    for (int column = m_geometry.firstVisible(); column <= m_geometry.lastVisible(); ++column)
        painter.fillRect(barOf(column), colors.accent);
    const int line = area.bottom() + 1 - static_cast<int>(std::lround(allBits / std::max(1.0, allWeights) * unit));
    painter.setPen(QPen(colors.text, 1, Qt::DashLine));
    painter.drawLine(area.left(), line, area.right(), line);
    painter.setPen(colors.muted);
    for (int column = m_geometry.firstVisible(); withText && column <= m_geometry.lastVisible(); ++column) {
        const QString text = decimalText(meanOf(column), 2);
        const int wide = metrics.horizontalAdvance(text) + 6;
        const QRect bar = barOf(column);
        const QRect place(bar.center().x() - wide / 2, bar.top() - head, wide, head);
        painter.fillRect(place, colors.surface); // keeps the line of the mean off it
        painter.drawText(place, Qt::AlignCenter, text);
    }
    painter.setClipping(false);
}

} // namespace sa::ui
