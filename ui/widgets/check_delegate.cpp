// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/check_delegate.h"

#include "ui/models/check_list_model.h"
#include "ui/style/icons.h"
#include "ui/style/theme.h"
#include "ui/widgets/parts.h"

#include <QAbstractItemView>
#include <QPainter>
#include <QTextLayout>

#include <algorithm>
#include <cmath>

namespace sa::ui
{

namespace
{

constexpr int kSideMargin = 20;
constexpr int kRowMargin = 9;
constexpr int kIcon = 20;
constexpr int kTitleCharacters = 24; // the titles line up, and so do the details beside them
constexpr int kMinWidth = 120;

CheckStatus statusOf(const QModelIndex& index)
{
    return static_cast<CheckStatus>(index.data(CheckListModel::StatusRole).toInt());
}

QFont boldOf(QFont font)
{
    font.setWeight(QFont::DemiBold);
    return font;
}

/// Breaks `text` into lines of `width`, between words where it can, and returns their height. A title or path without
/// blanks must not reach beyond the row.
int breakLines(QTextLayout& text, int width)
{
    QTextOption option;
    option.setWrapMode(QTextOption::WrapAtWordBoundaryOrAnywhere);
    text.setTextOption(option);
    double height = 0;
    text.beginLayout();
    for (QTextLine line = text.createLine(); line.isValid(); line = text.createLine()) {
        line.setLineWidth(width);
        line.setPosition({0, height});
        height += line.height();
    }
    text.endLayout();
    return static_cast<int>(std::ceil(height));
}

/// The room that wrapped text takes below `top`.
QRect placeOf(const QFont& font, const QString& text, int left, int top, int width)
{
    QTextLayout lines(text, font);
    const int room = std::max(width, kMinWidth);
    return {left, top, room, text.isEmpty() ? 0 : breakLines(lines, room)};
}

QString remedyLabel()
{
    return CheckDelegate::tr("What to do");
}

/// The status in words, where it asks for something; a tick says enough for the rest.
QString remarkOf(CheckStatus status)
{
    return status == CheckStatus::Passed ? QString() : CheckListModel::statusText(status);
}

QColor toneOf(CheckStatus status, const Colors& colors)
{
    switch (status) {
    case CheckStatus::Failed:
        return colors.danger;
    case CheckStatus::Warning:
        return colors.warning;
    case CheckStatus::Passed:
        return colors.success;
    }
    return colors.text;
}

} // namespace

struct CheckDelegate::Layout {
    QRect icon, title, detail, remark, remedyLabel, remedy;
    int height = 0;
};

CheckDelegate::CheckDelegate(QObject* parent)
    : QStyledItemDelegate(parent)
    , m_icons{icon(QStringLiteral("error"), IconTone::Danger), icon(QStringLiteral("warning"), IconTone::Warning),
              icon(QStringLiteral("done"), IconTone::Success)}
{
}

CheckDelegate::Layout CheckDelegate::layoutOf(const QStyleOptionViewItem& option, const QModelIndex& index,
                                              const QRect& room)
{
    const QFont bold = boldOf(option.font);
    const QFontMetrics boldMetrics(bold);
    const QString title = index.data().toString();
    const QString detail = index.data(CheckListModel::DetailRole).toString();
    const QString remedy = index.data(CheckListModel::RemedyRole).toString();
    Layout at;
    const int left = room.left() + kSideMargin + kIcon + space::kMedium;
    const int right = room.right() + 1 - kSideMargin;
    const int titleWidth = std::min(boldMetrics.averageCharWidth() * kTitleCharacters, (right - left) * 2 / 5);
    const int textLeft = left + titleWidth + space::kMedium;
    int textWidth = right - textLeft;
    const int top = room.top() + kRowMargin;

    if (const QString remark = remarkOf(statusOf(index)); !remark.isEmpty()) {
        const int width = boldMetrics.horizontalAdvance(remark) + 1;
        at.remark = QRect(right - width, top, width, boldMetrics.height());
        textWidth -= width + space::kLarge;
    }
    at.icon = QRect(room.left() + kSideMargin, top + (boldMetrics.height() - kIcon) / 2, kIcon, kIcon);
    at.title = placeOf(bold, title, left, top, titleWidth);
    at.detail = placeOf(option.font, detail, textLeft, top, textWidth);
    int bottom = std::max(at.title.bottom(), at.detail.bottom());
    if (!remedy.isEmpty()) {
        const int y = at.detail.isEmpty() ? top : at.detail.bottom() + 1 + space::kTight;
        const int indent = boldMetrics.horizontalAdvance(remedyLabel()) + space::kMedium;
        at.remedyLabel = QRect(textLeft, y, indent, boldMetrics.height());
        at.remedy = placeOf(option.font, remedy, textLeft + indent, y, textWidth - indent);
        bottom = std::max(bottom, at.remedy.bottom());
    }
    at.height = std::max(bottom, at.icon.bottom()) + 1 + kRowMargin - room.top();
    return at;
}

void CheckDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const
{
    const Colors& colors = colorsOf(option.palette);
    const Layout at = layoutOf(option, index, option.rect);
    const CheckStatus status = statusOf(index);
    painter->save();
    if (option.state & QStyle::State_Selected)
        painter->fillRect(option.rect, colors.accentSoft);
    if (index.row() > 0)
        painter->fillRect(QRect(option.rect.left(), option.rect.top(), option.rect.width(), 1), colors.hover);
    const QStyle::State byKeyboard = QStyle::State_HasFocus | QStyle::State_KeyboardFocusChange;
    if ((option.state & byKeyboard) == byKeyboard) {
        painter->setPen(colors.accent);
        painter->drawRect(QRectF(option.rect).adjusted(0.5, 0.5, -0.5, -0.5));
    }
    m_icons[static_cast<std::size_t>(status)].paint(painter, at.icon);

    const auto write = [painter](const QRect& place, const QFont& font, const QColor& color, const QString& text) {
        if (text.isEmpty())
            return;
        QTextLayout lines(text, font);
        breakLines(lines, place.width());
        painter->setPen(color);
        lines.draw(painter, place.topLeft());
    };
    const QFont bold = boldOf(option.font);
    write(at.title, bold, colors.text, index.data().toString());
    write(at.remark, bold, toneOf(status, colors), remarkOf(status));
    write(at.detail, option.font, colors.muted, index.data(CheckListModel::DetailRole).toString());
    if (!at.remedy.isEmpty()) {
        write(at.remedyLabel, bold, colors.accent, remedyLabel());
        write(at.remedy, option.font, colors.text, index.data(CheckListModel::RemedyRole).toString());
    }
    painter->restore();
}

QSize CheckDelegate::sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const
{
    const auto* view = qobject_cast<const QAbstractItemView*>(option.widget);
    const int width = std::max(view ? view->viewport()->width() : option.rect.width(), kMinWidth);
    return {width, layoutOf(option, index, QRect(0, 0, width, 0)).height};
}

} // namespace sa::ui
