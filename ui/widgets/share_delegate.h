// SPDX-License-Identifier: GPL-3.0-or-later
// Draws a share as a bar beside its text. The longest bar belongs to the largest share of the table.
#pragma once

#include <QStyledItemDelegate>

namespace sa::ui
{

class ShareDelegate final : public QStyledItemDelegate
{
    Q_OBJECT
public:
    ShareDelegate(int shareRole, QObject* parent = nullptr);
    void setLargest(double share) { m_largest = share; }

    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;

private:
    int m_shareRole;
    double m_largest = 1;
};

} // namespace sa::ui
