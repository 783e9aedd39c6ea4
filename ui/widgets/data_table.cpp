// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/data_table.h"

#include "ui/widgets/table_header.h"

#include <QClipboard>
#include <QEvent>
#include <QGuiApplication>
#include <QHeaderView>
#include <QKeyEvent>

#include <algorithm>

namespace sa::ui
{

DataTable::DataTable(const QString& name, QWidget* parent)
    : QTableView(parent)
{
    setAccessibleName(name);
    setHorizontalHeader(new TableHeader(this));
    setShowGrid(false);
    setSortingEnabled(true);
    setSelectionBehavior(QAbstractItemView::SelectRows);
    setSelectionMode(QAbstractItemView::ExtendedSelection);
    setEditTriggers(QAbstractItemView::NoEditTriggers);
    setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
    setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
    setWordWrap(false);
    setTabKeyNavigation(false);
    setFrameShape(QFrame::NoFrame);
    verticalHeader()->setVisible(false);
    // Fixed rows keep a table of thousands of layers immediate: nothing is measured.
    verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    resetOrder();
}

void DataTable::setColumnSamples(const QStringList& samples)
{
    m_samples = samples;
    applyWidths();
}

void DataTable::resetOrder()
{
    sortByColumn(-1, Qt::AscendingOrder);
}

void DataTable::applyWidths()
{
    verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 13);
    if (!model())
        return;
    const int count = std::min(static_cast<int>(m_samples.size()), model()->columnCount());
    for (int column = 0; column < count; ++column) {
        if (m_samples[column].isEmpty())
            horizontalHeader()->setSectionResizeMode(column, QHeaderView::Stretch);
        else
            setColumnWidth(
                column, std::max(fontMetrics().horizontalAdvance(m_samples[column]) + 2 * TableHeader::kTextInset + 2,
                                 horizontalHeader()->sectionSizeHint(column)));
    }
}

void DataTable::changeEvent(QEvent* event)
{
    QTableView::changeEvent(event);
    if (event->type() == QEvent::FontChange || event->type() == QEvent::StyleChange)
        applyWidths();
}

void DataTable::keyPressEvent(QKeyEvent* event)
{
    if (event->matches(QKeySequence::Copy)) {
        copySelection();
        return;
    }
    QTableView::keyPressEvent(event);
}

void DataTable::copySelection() const
{
    if (!selectionModel())
        return;
    QList<int> rows;
    for (const QModelIndex& index : selectionModel()->selectedRows())
        rows += index.row();
    std::sort(rows.begin(), rows.end());
    const auto line = [this](auto&& cell) {
        QStringList cells;
        for (int column = 0; column < model()->columnCount(); ++column)
            if (!isColumnHidden(column))
                cells += cell(column).toString();
        return cells.join(u'\t');
    };
    QStringList lines{
        line([this](int column) { return model()->headerData(column, Qt::Horizontal, Qt::DisplayRole); })};
    for (int row : rows)
        lines += line([this, row](int column) { return model()->index(row, column).data(); });
    QGuiApplication::clipboard()->setText(lines.join(u'\n') + u'\n');
}

} // namespace sa::ui
