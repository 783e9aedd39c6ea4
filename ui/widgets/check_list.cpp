// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/check_list.h"

#include "ui/models/check_list_model.h"
#include "ui/widgets/check_delegate.h"
#include "ui/widgets/parts.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QKeyEvent>

#include <algorithm>

namespace sa::ui
{

namespace
{

constexpr int kMinRows = 3; // of text: less is no list

} // namespace

CheckList::CheckList(QWidget* parent)
    : QListView(parent)
{
    setRole(this, "flush");
    setAccessibleName(tr("Checks"));
    setItemDelegate(new CheckDelegate(this));
    setSelectionMode(QAbstractItemView::ExtendedSelection);
    setEditTriggers(QAbstractItemView::NoEditTriggers);
    setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff); // rows wrap
    setResizeMode(QListView::Adjust);
    setFrameShape(QFrame::NoFrame);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Maximum);
}

QSize CheckList::sizeHint() const
{
    return {QListView::sizeHint().width(), std::max(m_rowsHeight, minimumSizeHint().height())};
}

QSize CheckList::minimumSizeHint() const
{
    return {0, kMinRows * fontMetrics().height()};
}

/// Called after every layout of the rows, and only then their heights are known.
void CheckList::updateGeometries()
{
    QListView::updateGeometries();
    const int height = contentsSize().height();
    if (std::exchange(m_rowsHeight, height) != height)
        updateGeometry();
}

/// The base class waits a tenth of a second before rows wrap to a new width.
void CheckList::resizeEvent(QResizeEvent* event)
{
    QListView::resizeEvent(event);
    if (event->size().width() != event->oldSize().width())
        scheduleDelayedItemsLayout();
}

void CheckList::keyPressEvent(QKeyEvent* event)
{
    if (!event->matches(QKeySequence::Copy))
        return QListView::keyPressEvent(event);
    QModelIndexList rows = selectedIndexes();
    std::sort(rows.begin(), rows.end());
    QStringList texts;
    for (const QModelIndex& row : rows)
        texts += row.data(CheckListModel::PlainTextRole).toString();
    if (!texts.isEmpty())
        QGuiApplication::clipboard()->setText(texts.join(u'\n') + u'\n');
}

} // namespace sa::ui
