// SPDX-License-Identifier: GPL-3.0-or-later
// The linears of an AllocationDocument, one row each: what is known of them, what is demanded, what the plan gives.
#pragma once

#include "ui/cockpit/allocation_document.h"

#include <QAbstractTableModel>

namespace sa::ui
{

class LinearTableModel final : public QAbstractTableModel
{
    Q_OBJECT
public:
    enum Column { Block, Projection, Bits, Demand, Error, Damage, Size, Criterion, ColumnCount };
    enum Role {
        SortRole = Qt::UserRole + 1, ///< a number or a plain string, never formatted text
        NameRole,                    ///< full name
    };

    /// `document` is borrowed and must outlive the model.
    explicit LinearTableModel(AllocationDocument& document, QObject* parent = nullptr);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    const Choice* chosen(int row) const;
    int bitsOf(int row) const; ///< 0: there is no plan
    QString text(int row, int column) const;
    QVariant sortValue(int row, int column) const;
    void onAllocation();
    void tell(int first, int last, Column from, Column to);

    AllocationDocument& m_document;
    int m_rows = 0;
    std::vector<int> m_bits; ///< of the plan that was told last
};

} // namespace sa::ui
