// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/check_list_model.h"

#include "ui/text.h"

#include <algorithm>

namespace sa::ui
{

namespace
{

constexpr std::size_t kMaxTitle = 120;
constexpr std::size_t kMaxText = 2000; // an Error's sentence: path, place, found and expected

} // namespace

void CheckListModel::setChecks(std::vector<Check> checks)
{
    std::stable_sort(checks.begin(), checks.end(), [](const Check& a, const Check& b) { return a.status < b.status; });
    beginResetModel();
    m_rows.clear();
    m_rows.reserve(checks.size());
    for (const Check& check : checks)
        m_rows.push_back({check.status, shown(check.title, kMaxTitle), shown(check.detail, kMaxText),
                          sentence(shown(check.remedy, kMaxText))});
    endResetModel();
}

int CheckListModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

QVariant CheckListModel::data(const QModelIndex& index, int role) const
{
    if (!checkIndex(index, CheckIndexOption::IndexIsValid))
        return {};
    const Row& row = m_rows[static_cast<std::size_t>(index.row())];
    const QString remedy = row.remedy.isEmpty() ? QString() : tr("What to do: %1").arg(row.remedy);
    switch (role) {
    case Qt::DisplayRole:
        return row.title;
    case StatusRole:
        return static_cast<int>(row.status);
    case DetailRole:
        return row.detail;
    case RemedyRole:
        return row.remedy;
    case Qt::AccessibleTextRole: { // what a glance at icon and row tells
        QStringList parts{tr("%1: %2").arg(statusText(row.status), row.title), row.detail, remedy};
        parts.removeAll(QString());
        return parts.join(QStringLiteral(". "));
    }
    case PlainTextRole: {
        QStringList lines{QStringLiteral("[%1] %2").arg(statusText(row.status), row.title)};
        for (const QString& text : {row.detail, remedy})
            if (!text.isEmpty())
                lines += QStringLiteral("    ") + text;
        return lines.join(u'\n');
    }
    default:
        return {};
    }
}

QHash<int, QByteArray> CheckListModel::roleNames() const
{
    QHash<int, QByteArray> names = QAbstractListModel::roleNames();
    names.insert(StatusRole, "status");
    names.insert(DetailRole, "detail");
    names.insert(RemedyRole, "remedy");
    names.insert(PlainTextRole, "plainText");
    return names;
}

QString CheckListModel::statusText(CheckStatus status)
{
    switch (status) {
    case CheckStatus::Failed:
        return tr("Failed");
    case CheckStatus::Warning:
        return tr("To look at");
    case CheckStatus::Passed:
        return tr("Passed");
    }
    return {};
}

} // namespace sa::ui
