// SPDX-License-Identifier: GPL-3.0-or-later
// Draws a check: icon of its status and bold title, beside them what was found and what to do. Texts wrap to the view's
// width, long paths anywhere.
#pragma once

#include <QIcon>
#include <QStyledItemDelegate>

#include <array>

namespace sa::ui
{

class CheckDelegate final : public QStyledItemDelegate
{
    Q_OBJECT
public:
    explicit CheckDelegate(QObject* parent = nullptr);

    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
    QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;

private:
    struct Layout;
    static Layout layoutOf(const QStyleOptionViewItem& option, const QModelIndex& index, const QRect& room);

    std::array<QIcon, 3> m_icons; ///< by CheckStatus
};

} // namespace sa::ui
