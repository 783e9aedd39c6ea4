// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/layer_table_model.h"

#include "ui/text.h"

#include <cmath>

namespace sa::ui
{

void LayerTableModel::setLayers(std::vector<LayerRow> layers)
{
    beginResetModel();
    m_layers = std::move(layers);
    m_totalWeights = 0;
    m_hasLosses = false;
    for (const LayerRow& row : m_layers) {
        m_totalWeights += row.weights();
        m_hasLosses = m_hasLosses || std::isfinite(row.error);
    }
    endResetModel();
}

int LayerTableModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_layers.size());
}

int LayerTableModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

QString LayerTableModel::text(const LayerRow& row, int column) const
{
    switch (column) {
    case Block:
        return QString::number(row.block);
    case Projection:
        return shown(row.projection());
    case Shape:
        return QStringLiteral("%1 × %2").arg(countText(row.N), countText(row.K));
    case Type:
        return row.dtype == QLatin1String("planes") ? tr("sign planes") : shown(row.dtype, 20);
    case Bits:
        return decimalText(row.bits, row.bits == std::floor(row.bits) ? 0 : 2);
    case Size:
        return bytesText(row.bytes);
    case Share:
        return percentText(m_totalWeights > 0 ? row.weights() / m_totalWeights : 0, 1);
    case Loss:
        return significantText(row.error, 3);
    default:
        return {};
    }
}

QVariant LayerTableModel::sortValue(const LayerRow& row, int column) const
{
    switch (column) {
    case Block:
        return row.block;
    case Projection:
        return row.projection();
    case Shape:
    case Share:
        return row.weights();
    case Type:
        return row.dtype;
    case Bits:
        return row.bits;
    case Size:
        return static_cast<qulonglong>(row.bytes);
    case Loss:
        return std::isfinite(row.error) ? row.error : -1.0;
    default:
        return {};
    }
}

QVariant LayerTableModel::data(const QModelIndex& index, int role) const
{
    if (!checkIndex(index, CheckIndexOption::IndexIsValid | CheckIndexOption::ParentIsInvalid))
        return {};
    const LayerRow& row = m_layers[static_cast<std::size_t>(index.row())];
    switch (role) {
    case Qt::DisplayRole:
        return text(row, index.column());
    case Qt::TextAlignmentRole: {
        const bool left = index.column() == Projection || index.column() == Type;
        return QVariant::fromValue(Qt::Alignment((left ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter));
    }
    case Qt::ToolTipRole:
        return plainToolTip(shown(row.name));
    case SortRole:
        return sortValue(row, index.column());
    case NameRole:
        return row.name;
    case ShareRole:
        return m_totalWeights > 0 ? row.weights() / m_totalWeights : 0.0;
    default:
        return {};
    }
}

QVariant LayerTableModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || section < 0 || section >= ColumnCount)
        return {};
    if (role == Qt::TextAlignmentRole) {
        const bool left = section == Projection || section == Type;
        return QVariant::fromValue(Qt::Alignment((left ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter));
    }
    if (role == Qt::DisplayRole) {
        switch (section) {
        case Block:
            return tr("Block");
        case Projection:
            return tr("Projection");
        case Shape:
            return tr("Rows × columns");
        case Type:
            return tr("Stored as");
        case Bits:
            return tr("Bits/weight");
        case Size:
            return tr("Size");
        case Share:
            return tr("Share");
        case Loss:
            return tr("Loss");
        }
    }
    if (role == Qt::ToolTipRole) {
        switch (section) {
        case Block:
            return tr("Number of the decoder block, counted from 0");
        case Projection:
            return tr("Which linear layer of the block");
        case Shape:
            return tr("Outputs × inputs of the weight matrix");
        case Type:
            return tr("How the weights are stored: a number format, or sign planes with shift scales");
        case Bits:
            return tr("Stored bits for each weight, scales included. Lower is smaller");
        case Size:
            return tr("Bytes of this layer on disk");
        case Share:
            return tr("Share of the weights in this table: large shares gain most from fewer bits");
        case Loss:
            return tr("Error the quantizer recorded for this layer. Lower is better; layers of different shape "
                      "are not comparable");
        }
    }
    return {};
}

QHash<int, QByteArray> LayerTableModel::roleNames() const
{
    auto names = QAbstractTableModel::roleNames();
    names.insert(SortRole, "sort");
    names.insert(NameRole, "name");
    names.insert(ShareRole, "share");
    return names;
}

} // namespace sa::ui
