// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/run_layer_model.h"

#include "ui/text.h"

#include <cmath>

namespace sa::ui
{

namespace
{

QString text(const LayerResult& layer, int column)
{
    switch (column) {
    case RunLayerModel::Block:
        return QString::number(layer.block);
    case RunLayerModel::Projection:
        return projectionOf(layer);
    case RunLayerModel::Bits:
        return QString::number(layer.bits);
    case RunLayerModel::RelativeError:
        return percentText(layer.relativeError, 2);
    case RunLayerModel::Loss:
        return significantText(layer.error, 3);
    case RunLayerModel::Size:
        return bytesText(layer.bytes);
    case RunLayerModel::Seconds:
        return QStringLiteral("%1 s").arg(decimalText(layer.seconds, 2));
    default:
        return {};
    }
}

QVariant sortValue(const LayerResult& layer, int column)
{
    const auto number = [](double value) { return std::isfinite(value) ? value : -1.0; };
    switch (column) {
    case RunLayerModel::Block:
        return layer.block;
    case RunLayerModel::Projection:
        return projectionOf(layer);
    case RunLayerModel::Bits:
        return layer.bits;
    case RunLayerModel::RelativeError:
        return number(layer.relativeError);
    case RunLayerModel::Loss:
        return number(layer.error);
    case RunLayerModel::Size:
        return static_cast<qulonglong>(layer.bytes);
    case RunLayerModel::Seconds:
        return number(layer.seconds);
    default:
        return {};
    }
}

} // namespace

QString projectionOf(const LayerResult& layer)
{
    const QString name = shown(layer.name);
    const QString middle = QStringLiteral(".%1.").arg(layer.block);
    const qsizetype at = name.indexOf(middle);
    return at < 0 ? name : name.mid(at + middle.size());
}

void RunLayerModel::clear()
{
    beginResetModel();
    m_layers.clear();
    endResetModel();
}

void RunLayerModel::append(const std::vector<LayerResult>& batch)
{
    if (batch.empty())
        return;
    const int first = static_cast<int>(m_layers.size());
    beginInsertRows({}, first, first + static_cast<int>(batch.size()) - 1);
    m_layers.insert(m_layers.end(), batch.begin(), batch.end());
    endInsertRows();
}

int RunLayerModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_layers.size());
}

int RunLayerModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

QVariant RunLayerModel::data(const QModelIndex& index, int role) const
{
    if (!checkIndex(index, CheckIndexOption::IndexIsValid | CheckIndexOption::ParentIsInvalid))
        return {};
    const LayerResult& layer = m_layers[static_cast<std::size_t>(index.row())];
    switch (role) {
    case Qt::DisplayRole:
        return text(layer, index.column());
    case Qt::TextAlignmentRole:
        return QVariant::fromValue(
            Qt::Alignment((index.column() == Projection ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter));
    case Qt::ToolTipRole:
        return plainToolTip(shown(layer.name));
    case SortRole:
        return sortValue(layer, index.column());
    case NameRole:
        return fromUtf8(layer.name);
    case PositionRole:
        return index.row();
    default:
        return {};
    }
}

QVariant RunLayerModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || section < 0 || section >= ColumnCount)
        return {};
    if (role == Qt::TextAlignmentRole)
        return QVariant::fromValue(
            Qt::Alignment((section == Projection ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter));
    if (role == Qt::DisplayRole) {
        switch (section) {
        case Block:
            return tr("Block");
        case Projection:
            return tr("Projection");
        case Bits:
            return tr("Bits");
        case RelativeError:
            return tr("Rel. error");
        case Loss:
            return tr("Loss");
        case Size:
            return tr("Size");
        case Seconds:
            return tr("Time");
        }
    }
    if (role == Qt::ToolTipRole) {
        switch (section) {
        case Block:
            return tr("Number of the decoder block, counted from 0");
        case Projection:
            return tr("Which linear layer of the block");
        case Bits:
            return tr("Sign planes a weight, scales not counted");
        case RelativeError:
            return tr("How much of the layer's output changed on the calibration text. Lower is better; "
                      "comparable between layers");
        case Loss:
            return tr("The quantizer's own error sum. Lower is better; layers of different shape are not "
                      "comparable");
        case Size:
            return tr("Bytes of the packed layer, scales included");
        case Seconds:
            return tr("Time this layer took");
        }
    }
    return {};
}

QHash<int, QByteArray> RunLayerModel::roleNames() const
{
    auto names = QAbstractTableModel::roleNames();
    names.insert(SortRole, "sort");
    names.insert(NameRole, "name");
    names.insert(PositionRole, "position");
    return names;
}

} // namespace sa::ui
