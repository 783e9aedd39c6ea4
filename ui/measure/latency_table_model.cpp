// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/measure/latency_table_model.h"

#include "ui/text.h"

namespace sa::ui
{

namespace
{

QString rangeText(const Spread& spread)
{
    return spread.isKnown()
               ? LatencyTableModel::tr("%1 to %2").arg(millisecondsText(spread.low), millisecondsText(spread.high))
               : decimalText(kNoNumber, 0);
}

} // namespace

void LatencyTableModel::setResult(const LatencyResult& result, const QStringList& names)
{
    beginResetModel();
    m_rows.clear();
    for (std::size_t length = 0; length < result.models.front().lengths.size(); ++length)
        for (std::size_t model = 0; model < result.models.size(); ++model)
            m_rows.push_back({names.value(static_cast<int>(model)), result.models[model].lengths[length]});
    endResetModel();
}

int LatencyTableModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int LatencyTableModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

QVariant LatencyTableModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || index.row() >= rowCount())
        return {};
    const Row& row = m_rows[static_cast<std::size_t>(index.row())];
    const LatencyAtLength& at = row.at;
    if (role == Qt::TextAlignmentRole)
        return static_cast<int>((index.column() == Model ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    if (role != Qt::DisplayRole && role != SortRole)
        return {};
    const bool sort = role == SortRole;
    switch (index.column()) {
    case Model:
        return row.model;
    case Prompt:
        return sort ? QVariant(at.promptTokens) : QVariant(countText(at.promptTokens));
    case FirstToken:
        return sort ? QVariant(at.firstToken.median) : QVariant(millisecondsText(at.firstToken.median));
    case FirstSpread:
        return sort ? QVariant(at.firstToken.high - at.firstToken.low) : QVariant(rangeText(at.firstToken));
    case Token:
        return sort ? QVariant(at.decode.median) : QVariant(millisecondsText(at.decode.median));
    case TokenSpread:
        return sort ? QVariant(at.decode.high - at.decode.low) : QVariant(rangeText(at.decode));
    case Rate:
        return sort ? QVariant(at.tokensPerSecond()) : QVariant(decimalText(at.tokensPerSecond(), 1));
    case Cache:
        return sort ? QVariant(static_cast<qulonglong>(at.cacheBytes)) : QVariant(bytesText(at.cacheBytes));
    case Energy:
        return sort ? QVariant(at.decodeJoules.median) : QVariant(energyText(at.decodeJoules.median));
    default:
        return {};
    }
}

QVariant LatencyTableModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal)
        return {};
    if (role == Qt::TextAlignmentRole)
        return static_cast<int>((section == Model ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
    if (role == Qt::ToolTipRole)
        switch (section) {
        case FirstToken:
            return tr("Median time from the prompt to the first token: the prefill. Lower is better");
        case FirstSpread:
        case TokenSpread:
            return tr("Half of the runs lie in this range");
        case Token:
            return tr("Median time of each further token. Lower is better");
        case Energy:
            return tr("Measured energy of a decoded token. Lower is better");
        default:
            return {};
        }
    if (role != Qt::DisplayRole)
        return {};
    const QString names[] = {tr("Model"),   tr("Prompt"),   tr("First, ms"), tr("25–75 %"), tr("Token, ms"),
                             tr("25–75 %"), tr("Tokens/s"), tr("KV cache"),  tr("Energy")};
    return section < ColumnCount ? QVariant(names[section]) : QVariant();
}

} // namespace sa::ui
