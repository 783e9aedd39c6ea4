// SPDX-License-Identifier: GPL-3.0-or-later
// Where things stand in the heatmap's viewport: labels at the left and on top, cells, and below them a bar for each
// block. Cells fill the room unless they are zoomed; then they scroll sideways.
#pragma once

#include "ui/cockpit/cell_grid.h"

#include <QRect>

#include <algorithm>
#include <cmath>

namespace sa::ui
{

struct HeatmapGeometry {
    QRect cells; ///< what is visible of them
    QRect bars;  ///< below them, the same columns
    int rows = 0, columns = 0;
    double cellWidth = 1; ///< gap included
    int cellHeight = 1;
    double offset = 0; ///< scrolled out at the left

    int contentWidth() const { return static_cast<int>(std::ceil(cellWidth * columns)); }
    int gap() const { return cellWidth >= 16 ? 2 : cellWidth >= 5 ? 1 : 0; }
    int left(int column) const { return cells.left() + static_cast<int>(std::floor(column * cellWidth - offset)); }
    QRect cellRect(CellPlace place) const
    {
        const int x = left(place.column);
        const int space = gap();
        return {x, cells.top() + place.row * cellHeight, std::max(1, left(place.column + 1) - x - space),
                std::max(1, cellHeight - std::max(1, space))};
    }
    int columnAt(int x) const
    {
        const int column = static_cast<int>(std::floor((x - cells.left() + offset) / cellWidth));
        return column >= 0 && column < columns ? column : -1;
    }
    int rowAt(int y) const
    {
        const int row = y < cells.top() ? -1 : (y - cells.top()) / std::max(1, cellHeight);
        return row < rows ? row : -1;
    }
    int firstVisible() const { return std::max(0, static_cast<int>(offset / cellWidth)); }
    int lastVisible() const { return std::min(columns - 1, static_cast<int>((offset + cells.width()) / cellWidth)); }
};

} // namespace sa::ui
