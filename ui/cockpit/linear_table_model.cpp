// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/linear_table_model.h"

#include "ui/cockpit/cell_figures.h"
#include "ui/models/model_summary.h"
#include "ui/text.h"

#include <algorithm>
#include <cmath>

namespace sa::ui
{

namespace
{

/// "~" before what is only estimated, as the hatch in the heatmap.
QString marked(const QString& text, Provenance provenance)
{
    return provenance == Provenance::Estimated ? QStringLiteral("~") + text : text;
}

QString figureText(const Figure& figure, bool percent)
{
    if (!figure.known())
        return figure.provenance == Provenance::Failed ? LinearTableModel::tr("failed") : decimalText(kNoNumber, 0);
    return marked(percent ? percentText(figure.value, 2) : significantText(figure.value, 2), figure.provenance);
}

QVariant sortable(const Figure& figure)
{
    return figure.known() ? figure.value : -1.0;
}

} // namespace

LinearTableModel::LinearTableModel(AllocationDocument& document, QObject* parent)
    : QAbstractTableModel(parent)
    , m_document(document)
    , m_rows(static_cast<int>(document.sensitivity().linears.size()))
{
    connect(&document, &AllocationDocument::reset, this, [this] {
        beginResetModel();
        m_rows = static_cast<int>(m_document.sensitivity().linears.size());
        m_bits.clear();
        endResetModel();
    });
    connect(&document, &AllocationDocument::figuresChanged, this, [this](const std::vector<int>& linears) {
        const auto [first, last] = std::minmax_element(linears.begin(), linears.end());
        if (linears.empty())
            tell(0, m_rows - 1, Error, Criterion);
        else
            tell(*first, *last, Error, Criterion);
    });
    connect(&document, &AllocationDocument::inputsChanged, this, [this] {
        if (!m_document.isDragging())
            tell(0, m_rows - 1, Demand, Demand);
    });
    connect(&document, &AllocationDocument::allocationChanged, this, &LinearTableModel::onAllocation);
}

void LinearTableModel::tell(int first, int last, Column from, Column to)
{
    if (first <= last && last < m_rows)
        Q_EMIT dataChanged(index(first, from), index(last, to));
}

/// Only the rows that the plan has changed, in one piece: a view repaints what it shows of them.
void LinearTableModel::onAllocation()
{
    const Allocation* allocation = m_document.allocation();
    if (!allocation || allocation->bits.size() != static_cast<std::size_t>(m_rows))
        return;
    if (m_bits.size() != allocation->bits.size()) {
        m_bits = allocation->bits;
        return tell(0, m_rows - 1, Bits, Size);
    }
    const auto first = std::mismatch(m_bits.begin(), m_bits.end(), allocation->bits.begin()).first;
    if (first == m_bits.end())
        return;
    const auto last = std::mismatch(m_bits.rbegin(), m_bits.rend(), allocation->bits.rbegin()).first;
    const auto from = static_cast<int>(first - m_bits.begin());
    const auto to = m_rows - 1 - static_cast<int>(last - m_bits.rbegin());
    m_bits = allocation->bits;
    tell(from, to, Bits, Size);
}

int LinearTableModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : m_rows;
}

int LinearTableModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

int LinearTableModel::bitsOf(int row) const
{
    const Allocation* allocation = m_document.allocation();
    return allocation && static_cast<std::size_t>(row) < allocation->bits.size()
               ? allocation->bits[static_cast<std::size_t>(row)]
               : 0;
}

const Choice* LinearTableModel::chosen(int row) const
{
    return m_document.sensitivity().linears[static_cast<std::size_t>(row)].choice(bitsOf(row));
}

QString LinearTableModel::text(int row, int column) const
{
    const LinearSensitivity& linear = m_document.sensitivity().linears[static_cast<std::size_t>(row)];
    const Choice* choice = chosen(row);
    const int bits = bitsOf(row);
    switch (column) {
    case Block:
        return QString::number(linear.block);
    case Projection:
        return shown(linear.projection, 80);
    case Bits:
        return bits == 0 ? decimalText(kNoNumber, 0) : bits == kKeptBits ? tr("kept") : QString::number(bits);
    case Demand: {
        const QString rule = ruleText(m_document.ruleOf(row));
        const QString link = m_document.isLinked(row) ? tr("linked") : QString();
        return rule.isEmpty() || link.isEmpty() ? rule + link : tr("%1, %2").arg(rule, link);
    }
    case Error:
        return choice ? figureText(choice->error, true) : decimalText(kNoNumber, 0);
    case Damage:
        return choice ? figureText(choice->damage, false) : decimalText(kNoNumber, 0);
    case Size:
        return choice ? bytesText(choice->bytes) : decimalText(kNoNumber, 0);
    case Criterion:
        return figureText(linear.criterion, false);
    default:
        return {};
    }
}

QVariant LinearTableModel::sortValue(int row, int column) const
{
    const LinearSensitivity& linear = m_document.sensitivity().linears[static_cast<std::size_t>(row)];
    const Choice* choice = chosen(row);
    switch (column) {
    case Block:
        return linear.block;
    case Projection:
    case Demand:
        return text(row, column);
    case Bits:
        return bitsOf(row);
    case Error:
        return choice ? sortable(choice->error) : -1.0;
    case Damage:
        return choice ? sortable(choice->damage) : -1.0;
    case Size:
        return choice ? static_cast<qulonglong>(choice->bytes) : 0ull;
    case Criterion:
        return sortable(linear.criterion);
    default:
        return {};
    }
}

QVariant LinearTableModel::data(const QModelIndex& index, int role) const
{
    if (!checkIndex(index, CheckIndexOption::IndexIsValid | CheckIndexOption::ParentIsInvalid))
        return {};
    switch (role) {
    case Qt::DisplayRole:
        return text(index.row(), index.column());
    case Qt::TextAlignmentRole: {
        const bool left = index.column() == Projection || index.column() == Demand;
        return QVariant::fromValue(Qt::Alignment((left ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter));
    }
    case Qt::ToolTipRole:
        return plainToolTip(shown(m_document.sensitivity().linears[static_cast<std::size_t>(index.row())].name));
    case SortRole:
        return sortValue(index.row(), index.column());
    case NameRole:
        return fromUtf8(m_document.sensitivity().linears[static_cast<std::size_t>(index.row())].name);
    default:
        return {};
    }
}

QVariant LinearTableModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || section < 0 || section >= ColumnCount)
        return {};
    if (role == Qt::TextAlignmentRole) {
        const bool left = section == Projection || section == Demand;
        return QVariant::fromValue(Qt::Alignment((left ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter));
    }
    struct Head {
        QString title, meaning;
    };
    const Head heads[ColumnCount] = {
        {tr("Block"), tr("Number of the decoder block, counted from 0")},
        {tr("Projection"), tr("Which linear layer of the block")},
        {tr("Bits"), tr("Bits a weight that the plan gives. Fewer are smaller")},
        {tr("Demand"), tr("What you asked of this layer: a pin, a range, a link")},
        {tr("Error"), tr("Share of the layer's output that is wrong at these bits. Lower is better")},
        {tr("Damage"),
         tr("How far the model's answers move for this layer alone at these bits, in nats a token. Lower is better")},
        {tr("Size"), tr("Bytes of the layer at these bits, scales included")},
        {tr("Criterion"), tr("Equation 3 of the paper. High means: give it more bits. Only the order matters")},
    };
    if (role == Qt::DisplayRole)
        return heads[section].title;
    if (role == Qt::ToolTipRole)
        return heads[section].meaning;
    return {};
}

} // namespace sa::ui
