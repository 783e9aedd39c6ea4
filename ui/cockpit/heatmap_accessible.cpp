// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/heatmap_accessible.h"

#include "ui/cockpit/heatmap_view.h"

#include <QAccessible>
#include <QAccessibleWidget>
#include <QHash>

namespace sa::ui
{

namespace
{

class HeatmapCell final : public QAccessibleInterface, public QAccessibleTableCellInterface
{
public:
    HeatmapCell(HeatmapView* view, CellPlace place)
        : m_view(view)
        , m_place(place)
    {
    }

    bool isValid() const override { return m_view && linear() >= 0; }
    QObject* object() const override { return nullptr; }
    QAccessibleInterface* parent() const override { return QAccessible::queryAccessibleInterface(m_view); }
    QAccessibleInterface* child(int) const override { return nullptr; }
    QAccessibleInterface* childAt(int, int) const override { return nullptr; }
    int childCount() const override { return 0; }
    int indexOfChild(const QAccessibleInterface*) const override { return -1; }
    QAccessible::Role role() const override { return QAccessible::Cell; }
    void setText(QAccessible::Text, const QString&) override {}
    QRect rect() const override
    {
        const QRect cell = m_view->cellRect(m_place);
        return {m_view->viewport()->mapToGlobal(cell.topLeft()), cell.size()};
    }
    QString text(QAccessible::Text kind) const override
    {
        if (!isValid())
            return {};
        if (kind == QAccessible::Name)
            return HeatmapView::tr("%1, block %2")
                .arg(m_view->grid().rowName(m_place.row))
                .arg(m_view->grid().block(m_place.column));
        if (kind == QAccessible::Value)
            return cellText(cellFigure(m_view->document(), linear(), m_view->view()), m_view->view());
        if (kind == QAccessible::Description)
            return describeCell(m_view->document(), linear(), m_view->view());
        return {};
    }
    QAccessible::State state() const override
    {
        QAccessible::State state;
        state.focusable = state.selectable = true;
        state.selected = isSelected();
        state.focused = m_view->hasFocus() && m_view->selection().current() == linear();
        return state;
    }
    void* interface_cast(QAccessible::InterfaceType type) override
    {
        return type == QAccessible::TableCellInterface ? static_cast<QAccessibleTableCellInterface*>(this) : nullptr;
    }

    int columnExtent() const override { return 1; }
    int rowExtent() const override { return 1; }
    QList<QAccessibleInterface*> columnHeaderCells() const override { return {}; }
    QList<QAccessibleInterface*> rowHeaderCells() const override { return {}; }
    int columnIndex() const override { return m_place.column; }
    int rowIndex() const override { return m_place.row; }
    bool isSelected() const override { return m_view->selection().contains(linear()); }
    QAccessibleInterface* table() const override { return parent(); }

private:
    int linear() const { return m_view->grid().linearAt(m_place); }

    HeatmapView* m_view; ///< outlives its interfaces: HeatmapTable drops them
    CellPlace m_place;
};

class HeatmapTable final : public QAccessibleWidget, public QAccessibleTableInterface
{
public:
    explicit HeatmapTable(HeatmapView* view)
        : QAccessibleWidget(view, QAccessible::Table)
    {
    }
    ~HeatmapTable() override { drop(); }

    void drop()
    {
        for (const QAccessible::Id id : std::as_const(m_cells))
            QAccessible::deleteAccessibleInterface(id);
        m_cells.clear();
    }
    HeatmapView* view() const { return static_cast<HeatmapView*>(widget()); }
    int childCount() const override { return rowCount() * columnCount(); }
    QAccessibleInterface* child(int index) const override
    {
        const int columns = columnCount();
        return columns > 0 && index >= 0 ? cellAt(index / columns, index % columns) : nullptr;
    }
    int indexOfChild(const QAccessibleInterface* cell) const override
    {
        for (auto at = m_cells.begin(); at != m_cells.end(); ++at)
            if (QAccessible::accessibleInterface(at.value()) == cell)
                return at.key();
        return -1;
    }
    QAccessibleInterface* focusChild() const override
    {
        const CellPlace place = view()->grid().placeOf(view()->selection().current());
        return place.row < 0 ? nullptr : cellAt(place.row, place.column);
    }
    void* interface_cast(QAccessible::InterfaceType type) override
    {
        if (type == QAccessible::TableInterface)
            return static_cast<QAccessibleTableInterface*>(this);
        return QAccessibleWidget::interface_cast(type);
    }

    QAccessibleInterface* caption() const override { return nullptr; }
    QAccessibleInterface* summary() const override { return nullptr; }
    QAccessibleInterface* cellAt(int row, int column) const override
    {
        if (row < 0 || row >= rowCount() || column < 0 || column >= columnCount())
            return nullptr;
        const int index = row * columnCount() + column;
        const auto known = m_cells.constFind(index);
        if (known != m_cells.constEnd())
            return QAccessible::accessibleInterface(*known);
        auto* cell = new HeatmapCell(view(), {row, column});
        m_cells.insert(index, QAccessible::registerAccessibleInterface(cell));
        return cell;
    }
    int selectedCellCount() const override { return static_cast<int>(view()->selection().linears().size()); }
    QList<QAccessibleInterface*> selectedCells() const override
    {
        QList<QAccessibleInterface*> cells;
        for (const int linear : view()->selection().linears()) {
            const CellPlace place = view()->grid().placeOf(linear);
            cells += cellAt(place.row, place.column);
        }
        return cells;
    }
    QString columnDescription(int column) const override
    {
        return column >= 0 && column < columnCount() ? HeatmapView::tr("block %1").arg(view()->grid().block(column))
                                                     : QString();
    }
    QString rowDescription(int row) const override
    {
        return row >= 0 && row < rowCount() ? view()->grid().rowName(row) : QString();
    }
    int selectedColumnCount() const override { return 0; }
    int selectedRowCount() const override { return 0; }
    int columnCount() const override { return view()->grid().columns(); }
    int rowCount() const override { return view()->grid().rows(); }
    QList<int> selectedColumns() const override { return {}; }
    QList<int> selectedRows() const override { return {}; }
    bool isColumnSelected(int) const override { return false; }
    bool isRowSelected(int) const override { return false; }
    bool selectRow(int row) override { return select(view()->grid().linearsOfRow(row)); }
    bool selectColumn(int column) override { return select(view()->grid().linearsOfColumn(column)); }
    bool unselectRow(int) override { return false; }
    bool unselectColumn(int) override { return false; }
    void modelChange(QAccessibleTableModelChangeEvent*) override { drop(); }

private:
    bool select(const std::vector<int>& linears)
    {
        if (linears.empty())
            return false;
        view()->selection().set(linears, linears.front());
        return true;
    }

    mutable QHash<int, QAccessible::Id> m_cells;
};

QAccessibleInterface* makeInterface(const QString& className, QObject* object)
{
    Q_UNUSED(className)
    auto* view = qobject_cast<HeatmapView*>(object);
    return view ? new HeatmapTable(view) : nullptr;
}

HeatmapTable* tableOf(HeatmapView* view)
{
    return dynamic_cast<HeatmapTable*>(QAccessible::queryAccessibleInterface(view));
}

} // namespace

void installHeatmapAccessibility()
{
    static const bool once = [] {
        QAccessible::installFactory(makeInterface);
        return true;
    }();
    Q_UNUSED(once)
}

void resetHeatmapAccessibility(HeatmapView* view)
{
    if (HeatmapTable* table = tableOf(view))
        table->drop();
    if (!QAccessible::isActive())
        return;
    QAccessibleTableModelChangeEvent event(view, QAccessibleTableModelChangeEvent::ModelReset);
    QAccessible::updateAccessibility(&event);
}

void announceHeatmapFocus(HeatmapView* view)
{
    if (!QAccessible::isActive() || !view->hasFocus())
        return;
    const HeatmapTable* table = tableOf(view);
    const CellPlace place = view->grid().placeOf(view->selection().current());
    if (!table || place.row < 0)
        return;
    QAccessibleEvent event(view, QAccessible::Focus);
    event.setChild(place.row * view->grid().columns() + place.column);
    QAccessible::updateAccessibility(&event);
}

} // namespace sa::ui
