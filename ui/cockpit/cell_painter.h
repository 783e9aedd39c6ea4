// SPDX-License-Identifier: GPL-3.0-or-later
// Draws single cells: their fill, value, hatch and marks. A cell is drawn again only when its look has changed.
#pragma once

#include "ui/style/theme.h"

#include <QFont>
#include <QPixmap>
#include <QString>

class QPainter;

namespace sa::ui
{

struct CellLook {
    enum Mark : unsigned { Pinned = 1, Ranged = 2, Excluded = 4, Linked = 8, Stale = 16 };

    QRgb fill = 0, ink = 0;
    QString text;
    unsigned marks = 0;
    bool hatched = false;  ///< an estimate
    bool outlined = false; ///< nothing is known
    bool operator==(const CellLook&) const = default;
};

class CellPainter
{
public:
    /// To be called when font, theme or scale have changed.
    void prepare(const QFont& font, const Colors& colors, double devicePixelRatio);
    void paint(QPainter& painter, const QRect& rect, const CellLook& look) const;
    /// Takes the largest font in which `sample` fits into a cell of this size. True when that is another than before.
    bool fitText(const QSize& cell, const QString& sample);
    bool showsText() const { return m_textFits; }
    /// One mark alone, for the legend.
    static void paintMark(QPainter& painter, const QRect& rect, unsigned mark, const QColor& ink);

private:
    QFont m_font, m_fitted;
    Colors m_colors;
    QPixmap m_hatchOnDark, m_hatchOnLight;
    bool m_textFits = false;
};

} // namespace sa::ui
