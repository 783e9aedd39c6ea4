// SPDX-License-Identifier: GPL-3.0-or-later
// Which linears are selected, shared by the heatmap, the table and the tensor's detail.
#pragma once

#include <QObject>

#include <algorithm>
#include <vector>

namespace sa::ui
{

class CellSelection final : public QObject
{
    Q_OBJECT
public:
    using QObject::QObject;

    /// Ascending indices into Sensitivity::linears.
    const std::vector<int>& linears() const { return m_linears; }
    int current() const { return m_current; } ///< the one with the focus ring, or -1
    bool contains(int linear) const { return std::binary_search(m_linears.begin(), m_linears.end(), linear); }

    void set(std::vector<int> linears, int current)
    {
        std::sort(linears.begin(), linears.end());
        linears.erase(std::unique(linears.begin(), linears.end()), linears.end());
        if (linears == m_linears && current == m_current)
            return;
        m_linears = std::move(linears);
        m_current = current;
        Q_EMIT changed();
    }
    void clear() { set({}, -1); }

Q_SIGNALS:
    void changed();

private:
    std::vector<int> m_linears;
    int m_current = -1;
};

} // namespace sa::ui
