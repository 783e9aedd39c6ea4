// SPDX-License-Identifier: GPL-3.0-or-later
// The figures of a latency measurement, a row for each prompt length and model.
#pragma once

#include "ui/measure/latency_result.h"

#include <QAbstractTableModel>
#include <QStringList>

namespace sa::ui
{

class LatencyTableModel final : public QAbstractTableModel
{
    Q_OBJECT
public:
    enum Column { Model, Prompt, FirstToken, FirstSpread, Token, TokenSpread, Rate, Cache, Energy, ColumnCount };
    enum Role { SortRole = Qt::UserRole + 1 }; ///< a number or a plain string, never formatted text

    using QAbstractTableModel::QAbstractTableModel;

    /// `names`: of the models, for display.
    void setResult(const LatencyResult& result, const QStringList& names);

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    struct Row {
        QString model;
        LatencyAtLength at;
    };
    std::vector<Row> m_rows;
};

} // namespace sa::ui
