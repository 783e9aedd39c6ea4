// SPDX-License-Identifier: GPL-3.0-or-later
// The layers that a run has finished, newest last.
#pragma once

#include "core/protocol/messages.h"

#include <QAbstractTableModel>

#include <vector>

namespace sa::ui
{

class RunLayerModel final : public QAbstractTableModel
{
    Q_OBJECT
public:
    enum Column { Block, Projection, Bits, RelativeError, Loss, Size, Seconds, ColumnCount };
    enum Role {
        SortRole = Qt::UserRole + 1, ///< a number or a plain string, never formatted text
        NameRole,                    ///< full tensor name
        PositionRole,                ///< place in the order of quantization
    };

    using QAbstractTableModel::QAbstractTableModel;

    void clear();
    /// One insertion for the whole batch.
    void append(const std::vector<LayerResult>& batch);
    const std::vector<LayerResult>& layers() const { return m_layers; }

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
    QHash<int, QByteArray> roleNames() const override;

private:
    std::vector<LayerResult> m_layers;
};

/// "self_attn.q_proj" of "model.layers.3.self_attn.q_proj", for display.
QString projectionOf(const LayerResult& layer);

} // namespace sa::ui
