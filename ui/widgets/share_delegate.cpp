// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/share_delegate.h"

#include "ui/style/theme.h"

#include <QPainter>

#include <algorithm>

namespace sa::ui
{

namespace
{

constexpr int kPadding = 10;
constexpr int kBarHeight = 6;

} // namespace

ShareDelegate::ShareDelegate(int shareRole, QObject* parent)
    : QStyledItemDelegate(parent)
    , m_shareRole(shareRole)
{
}

void ShareDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const
{
    QStyledItemDelegate::paint(painter, option, index); // background and the right-aligned text
    const Colors& colors = colorsOf(option.palette);
    const int textWidth = option.fontMetrics.horizontalAdvance(QStringLiteral("100.0 %")) + kPadding;
    const QRectF room = QRectF(option.rect).adjusted(kPadding, 0, -kPadding - textWidth, 0);
    if (room.width() < 4 * kBarHeight)
        return;
    QRectF track(room.left(), room.center().y() - kBarHeight / 2.0, room.width(), kBarHeight);
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    painter->setPen(Qt::NoPen);
    painter->setBrush(colors.hover);
    painter->drawRoundedRect(track, kBarHeight / 2.0, kBarHeight / 2.0);
    const double share = std::clamp(index.data(m_shareRole).toDouble() / std::max(m_largest, 1e-12), 0.0, 1.0);
    track.setWidth(std::max<double>(kBarHeight, track.width() * share));
    painter->setBrush(colors.accent);
    painter->drawRoundedRect(track, kBarHeight / 2.0, kBarHeight / 2.0);
    painter->restore();
}

} // namespace sa::ui
