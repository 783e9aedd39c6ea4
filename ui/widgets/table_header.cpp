// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/table_header.h"

#include "ui/style/theme.h"

#include <QPainter>
#include <QPainterPath>

namespace sa::ui
{

namespace
{

constexpr int kArrow = 7;
constexpr int kArrowGap = 5;
constexpr int kVerticalPadding = 8;

} // namespace

TableHeader::TableHeader(QWidget* parent)
    : QHeaderView(Qt::Horizontal, parent)
{
    setSectionsClickable(true);
    setHighlightSections(false);
    setSortIndicatorShown(true);
    setSortIndicatorClearable(true);
    setMinimumSectionSize(48);
}

QSize TableHeader::sectionSizeFromContents(int section) const
{
    QFont bold = font();
    bold.setWeight(QFont::DemiBold);
    const QFontMetrics metrics(bold);
    const QString text = model() ? model()->headerData(section, Qt::Horizontal).toString() : QString();
    return {metrics.horizontalAdvance(text) + 2 * kTextInset + kArrow + kArrowGap,
            metrics.height() + 2 * kVerticalPadding};
}

void TableHeader::paintSection(QPainter* painter, const QRect& rect, int section) const
{
    const Colors& colors = colorsOf(palette());
    painter->save();
    painter->fillRect(rect, colors.surface);
    painter->fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), colors.border);

    QFont bold = font();
    bold.setWeight(QFont::DemiBold);
    painter->setFont(bold);
    const bool sorted = sortIndicatorSection() == section;
    painter->setPen(sorted ? colors.text : colors.muted);
    const QString text = model()->headerData(section, Qt::Horizontal).toString();
    const auto alignment = Qt::Alignment(model()->headerData(section, Qt::Horizontal, Qt::TextAlignmentRole).toInt());
    const QRect room = rect.adjusted(kTextInset, 0, -kTextInset, 0);
    painter->drawText(room, static_cast<int>(alignment | Qt::AlignVCenter) | Qt::TextSingleLine, text);
    if (sorted) {
        // On the free side of the text, so that the text stays in line with its numbers.
        const int width = QFontMetrics(bold).horizontalAdvance(text);
        const bool right = alignment & Qt::AlignRight;
        const double x = right ? room.right() - width - kArrowGap - kArrow : room.left() + width + kArrowGap;
        const double middle = rect.center().y() + 0.5;
        const double step = sortIndicatorOrder() == Qt::AscendingOrder ? -2 : 2;
        QPainterPath arrow;
        arrow.moveTo(x, middle - step);
        arrow.lineTo(x + kArrow / 2.0, middle + step);
        arrow.lineTo(x + kArrow, middle - step);
        painter->setRenderHint(QPainter::Antialiasing);
        painter->setPen(QPen(colors.accent, 1.6, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
        painter->setBrush(Qt::NoBrush);
        painter->drawPath(arrow);
    }
    painter->restore();
}

} // namespace sa::ui
