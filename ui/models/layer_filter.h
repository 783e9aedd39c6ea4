// SPDX-License-Identifier: GPL-3.0-or-later
// Sorts by SortRole and keeps the rows whose name holds every word that was typed.
#pragma once

#include <QSortFilterProxyModel>
#include <QStringList>

namespace sa::ui
{

class LayerFilter final : public QSortFilterProxyModel
{
    Q_OBJECT
public:
    LayerFilter(int sortRole, int nameRole, QObject* parent = nullptr);
    void setWords(const QString& text);

protected:
    bool filterAcceptsRow(int row, const QModelIndex& parent) const override;

private:
    int m_nameRole;
    QStringList m_words;
};

} // namespace sa::ui
