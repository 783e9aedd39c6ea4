// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/layer_filter.h"

#include <algorithm>

namespace sa::ui
{

LayerFilter::LayerFilter(int sortRole, int nameRole, QObject* parent)
    : QSortFilterProxyModel(parent)
    , m_nameRole(nameRole)
{
    setSortRole(sortRole);
    setSortCaseSensitivity(Qt::CaseInsensitive);
}

void LayerFilter::setWords(const QString& text)
{
    m_words = text.split(u' ', Qt::SkipEmptyParts);
    invalidateFilter();
}

bool LayerFilter::filterAcceptsRow(int row, const QModelIndex& parent) const
{
    const QString name = sourceModel()->index(row, 0, parent).data(m_nameRole).toString();
    return std::all_of(m_words.begin(), m_words.end(),
                       [&name](const QString& word) { return name.contains(word, Qt::CaseInsensitive); });
}

} // namespace sa::ui
