// SPDX-License-Identifier: GPL-3.0-or-later
// Where every linear stands in the heatmap: a row for each projection, a column for each block.
#pragma once

#include "core/alloc/sensitivity.h"

#include <QString>

#include <vector>

namespace sa::ui
{

struct CellPlace {
    int row = -1, column = -1;
    bool operator==(const CellPlace&) const = default;
};

class CellGrid
{
public:
    CellGrid() = default;
    explicit CellGrid(const Sensitivity& sensitivity);

    int rows() const { return static_cast<int>(m_rowNames.size()); }
    int columns() const { return static_cast<int>(m_blocks.size()); }
    /// As short as it is unambiguous: "q_proj", or "attention.dense" beside "mlp.dense". Shown text.
    const QString& rowName(int row) const { return m_rowNames[static_cast<std::size_t>(row)]; }
    int block(int column) const { return m_blocks[static_cast<std::size_t>(column)]; }
    /// -1: this block has no such linear, or the place is outside.
    int linearAt(CellPlace place) const;
    CellPlace placeOf(int linear) const;
    std::vector<int> linearsOfRow(int row) const;
    std::vector<int> linearsOfColumn(int column) const;
    /// All in the rectangle that has these two at its corners.
    std::vector<int> linearsBetween(CellPlace a, CellPlace b) const;

private:
    std::vector<QString> m_rowNames;
    std::vector<int> m_blocks;
    std::vector<int> m_linears; ///< [rows][columns]
    std::vector<CellPlace> m_places;
};

} // namespace sa::ui
