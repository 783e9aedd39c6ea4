// SPDX-License-Identifier: GPL-3.0-or-later
// The checks of a report as rows: failed ones first, then warnings, then what passed. All texts are escaped.
#pragma once

#include "ui/models/doctor_report.h"

#include <QAbstractListModel>

namespace sa::ui
{

class CheckListModel final : public QAbstractListModel
{
    Q_OBJECT
public:
    enum Role {
        StatusRole = Qt::UserRole, ///< CheckStatus as int
        DetailRole,
        RemedyRole,
        PlainTextRole, ///< the whole row for a text file
    };

    using QAbstractListModel::QAbstractListModel;

    void setChecks(std::vector<Check> checks);

    int rowCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;
    QHash<int, QByteArray> roleNames() const override;

    /// "Failed", "To look at", "Passed".
    static QString statusText(CheckStatus status);

private:
    struct Row {
        CheckStatus status;
        QString title, detail, remedy;
    };
    std::vector<Row> m_rows;
};

} // namespace sa::ui
