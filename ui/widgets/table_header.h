// SPDX-License-Identifier: GPL-3.0-or-later
// Column titles that stand exactly over their numbers, with a small arrow beside the sorted one.
#pragma once

#include <QHeaderView>

namespace sa::ui
{

class TableHeader final : public QHeaderView
{
    Q_OBJECT
public:
    /// Distance of text from the sides of a cell: the padding of style.qss plus the style's own 3 pixels.
    static constexpr int kTextInset = 13;

    explicit TableHeader(QWidget* parent = nullptr);

protected:
    QSize sectionSizeFromContents(int section) const override;
    void paintSection(QPainter* painter, const QRect& rect, int section) const override;
};

} // namespace sa::ui
