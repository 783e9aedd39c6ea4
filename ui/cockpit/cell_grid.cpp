// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/cell_grid.h"

#include "ui/text.h"

#include <algorithm>
#include <map>
#include <set>

namespace sa::ui
{

namespace
{

/// "self_attn.q_proj" of "model.layers.3.self_attn.q_proj".
std::string nameInBlock(const LinearSensitivity& linear)
{
    std::string middle(1, '.');
    middle += std::to_string(linear.block);
    middle += '.';
    const std::size_t at = linear.name.find(middle);
    return at == std::string::npos ? linear.name : linear.name.substr(at + middle.size());
}

std::string lastPart(const std::string& name)
{
    const std::size_t dot = name.rfind('.');
    return dot == std::string::npos ? name : name.substr(dot + 1);
}

} // namespace

CellGrid::CellGrid(const Sensitivity& sensitivity)
{
    std::map<std::string, int> rowOf;
    std::vector<std::string> names;
    std::set<int> blocks;
    for (const LinearSensitivity& linear : sensitivity.linears) {
        const std::string name = nameInBlock(linear);
        if (rowOf.emplace(name, static_cast<int>(names.size())).second)
            names.push_back(name);
        blocks.insert(linear.block);
    }
    m_blocks.assign(blocks.begin(), blocks.end());
    std::map<std::string, int> uses;
    for (const std::string& name : names)
        ++uses[lastPart(name)];
    for (const std::string& name : names)
        m_rowNames.push_back(shown(uses[lastPart(name)] == 1 ? lastPart(name) : name, 60));

    m_linears.assign(names.size() * m_blocks.size(), -1);
    for (std::size_t i = 0; i < sensitivity.linears.size(); ++i) {
        const LinearSensitivity& linear = sensitivity.linears[i];
        const auto column = std::lower_bound(m_blocks.begin(), m_blocks.end(), linear.block) - m_blocks.begin();
        const CellPlace place{rowOf[nameInBlock(linear)], static_cast<int>(column)};
        m_linears[static_cast<std::size_t>(place.row * columns() + place.column)] = static_cast<int>(i);
        m_places.push_back(place);
    }
}

int CellGrid::linearAt(CellPlace place) const
{
    if (place.row < 0 || place.row >= rows() || place.column < 0 || place.column >= columns())
        return -1;
    return m_linears[static_cast<std::size_t>(place.row) * m_blocks.size() + static_cast<std::size_t>(place.column)];
}

CellPlace CellGrid::placeOf(int linear) const
{
    return linear >= 0 && linear < static_cast<int>(m_places.size()) ? m_places[static_cast<std::size_t>(linear)]
                                                                     : CellPlace{};
}

std::vector<int> CellGrid::linearsOfRow(int row) const
{
    return linearsBetween({row, 0}, {row, columns() - 1});
}

std::vector<int> CellGrid::linearsOfColumn(int column) const
{
    return linearsBetween({0, column}, {rows() - 1, column});
}

std::vector<int> CellGrid::linearsBetween(CellPlace a, CellPlace b) const
{
    std::vector<int> linears;
    for (int row = std::min(a.row, b.row); row <= std::max(a.row, b.row); ++row)
        for (int column = std::min(a.column, b.column); column <= std::max(a.column, b.column); ++column)
            if (const int linear = linearAt({row, column}); linear >= 0)
                linears.push_back(linear);
    return linears;
}

} // namespace sa::ui
