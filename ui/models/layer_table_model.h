// SPDX-License-Identifier: GPL-3.0-or-later
// The linear layers of an opened model, one row each, in the order of quantization.
#pragma once

#include "ui/models/model_summary.h"

#include <QAbstractTableModel>

namespace sa::ui
{

class LayerTableModel final : public QAbstractTableModel
{
    Q_OBJECT
public:
    enum Column { Block, Projection, Shape, Type, Bits, Size, Share, Loss, ColumnCount };
    enum Role {
        SortRole = Qt::UserRole + 1, ///< a number or a plain string, never formatted text
        NameRole,                    ///< full tensor name
        ShareRole,                   ///< of all parameters in the table, 0..1
    };

    using QAbstractTableModel::QAbstractTableModel;

    /// One reset, whatever the size.
    void setLayers(std::vector<LayerRow> layers);
    const std::vector<LayerRow>& layers() const { return m_layers; }
    bool hasLosses() const { return m_hasLosses; }

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
    QHash<int, QByteArray> roleNames() const override;

private:
    QString text(const LayerRow& row, int column) const;
    QVariant sortValue(const LayerRow& row, int column) const;

    std::vector<LayerRow> m_layers;
    double m_totalWeights = 0;
    bool m_hasLosses = false;
};

} // namespace sa::ui
