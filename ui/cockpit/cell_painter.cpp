// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/cell_painter.h"

#include "ui/cockpit/color_map.h"

#include <QFontMetrics>
#include <QPainter>
#include <QPainterPath>

#include <algorithm>
#include <cmath>
#include <utility>

namespace sa::ui
{

namespace
{

constexpr int kHatch = 6;             // distance of the lines
constexpr int kWideCell = 60;         // pixels: any text has room
constexpr double kSmallestText = 7.5; // points; smaller figures are noise: zooming shows them

QPixmap hatchTile(const QColor& ink, double ratio)
{
    const int side = static_cast<int>(std::lround(kHatch * ratio));
    QPixmap tile(side, side);
    tile.fill(Qt::transparent);
    QPainter painter(&tile);
    painter.setRenderHint(QPainter::Antialiasing);
    QColor soft = ink;
    soft.setAlphaF(0.30f);
    painter.setPen(QPen(soft, 1.1 * ratio));
    for (const int shift : {-side, 0, side}) // the neighbours' corners belong to the tile
        painter.drawLine(QPointF(shift - 0.5, side + 0.5), QPointF(shift + side + 0.5, -0.5));
    painter.end();
    tile.setDevicePixelRatio(ratio);
    return tile;
}

} // namespace

void CellPainter::prepare(const QFont& font, const Colors& colors, double devicePixelRatio)
{
    m_font = font;
    m_colors = colors;
    m_hatchOnDark = hatchTile(Qt::white, devicePixelRatio);
    m_hatchOnLight = hatchTile(Qt::black, devicePixelRatio);
}

bool CellPainter::fitText(const QSize& cell, const QString& sample)
{
    const QFont before = m_fitted;
    const bool fitted = std::exchange(m_textFits, false);
    m_fitted = m_font;
    for (double size = m_font.pointSizeF(); size >= kSmallestText && !m_textFits; size -= 0.5) {
        m_fitted.setPointSizeF(size);
        const QFontMetrics metrics(m_fitted);
        m_textFits = metrics.horizontalAdvance(sample) + 1 <= cell.width() && metrics.height() <= cell.height();
    }
    return fitted != m_textFits || (m_textFits && m_fitted != before);
}

void CellPainter::paint(QPainter& painter, const QRect& rect, const CellLook& look) const
{
    const QColor fill = QColor::fromRgb(look.fill);
    const QColor ink = QColor::fromRgb(look.ink);
    if (look.outlined) {
        painter.fillRect(rect, m_colors.window);
        painter.setPen(m_colors.border);
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(rect.adjusted(0, 0, -1, -1));
    } else {
        painter.fillRect(rect, fill);
    }
    if (look.hatched)
        painter.drawTiledPixmap(rect, ink.lightness() > 128 ? m_hatchOnDark : m_hatchOnLight, rect.topLeft());
    // One that is longer than the sample, a "16" among digits, goes without.
    if (m_textFits && !look.text.isEmpty() &&
        (rect.width() > kWideCell || QFontMetrics(m_fitted).horizontalAdvance(look.text) <= rect.width() + 2)) {
        painter.setFont(m_fitted);
        painter.setPen(ink);
        const QRect place = rect.adjusted(-2, 0, 2, 0);
        if (look.hatched && !look.outlined) { // no line goes through a figure
            const QRect text = painter.boundingRect(place, Qt::AlignCenter, look.text);
            painter.fillRect(text.adjusted(-2, 0, 2, 0) & rect, fill);
        }
        painter.drawText(place, Qt::AlignCenter, look.text);
    }
    for (const unsigned mark :
         {CellLook::Pinned, CellLook::Ranged, CellLook::Excluded, CellLook::Linked, CellLook::Stale})
        if (look.marks & mark)
            paintMark(painter, rect, mark, ink);
}

void CellPainter::paintMark(QPainter& painter, const QRect& rect, unsigned mark, const QColor& ink)
{
    const double side = std::clamp(std::min(rect.width(), rect.height()) * 0.3, 2.5, 6.0);
    const double inset = std::max(1.0, side * 0.5);
    const QRectF corner(rect.right() + 1 - side - inset, rect.top() + inset, side, side);
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(ink);
    switch (mark) {
    case CellLook::Pinned:
        painter.drawEllipse(corner);
        break;
    case CellLook::Ranged:
        painter.setBrush(Qt::NoBrush);
        painter.setPen(QPen(ink, std::max(1.0, side * 0.22)));
        painter.drawEllipse(corner.adjusted(0.5, 0.5, -0.5, -0.5));
        break;
    case CellLook::Excluded:
        painter.drawRect(corner);
        break;
    case CellLook::Linked:
        painter.drawRect(QRectF(rect.left() + rect.width() * 0.25, rect.bottom() - 2.5, rect.width() * 0.5, 2));
        break;
    case CellLook::Stale: {
        QPainterPath triangle(QPointF(rect.right() + 1, rect.bottom() + 1));
        triangle.lineTo(rect.right() + 1 - 1.6 * side, rect.bottom() + 1);
        triangle.lineTo(rect.right() + 1, rect.bottom() + 1 - 1.6 * side);
        triangle.closeSubpath();
        painter.drawPath(triangle);
        break;
    }
    default:
        break;
    }
    painter.restore();
}

} // namespace sa::ui
