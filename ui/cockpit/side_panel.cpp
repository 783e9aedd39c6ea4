// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/side_panel.h"

#include "ui/cockpit/cell_figures.h"
#include "ui/cockpit/linear_table_model.h"
#include "ui/cockpit/tensor_panel.h"
#include "ui/models/layer_filter.h"
#include "ui/plots/agreement_plot.h"
#include "ui/text.h"
#include "ui/widgets/command_box.h"
#include "ui/widgets/data_table.h"
#include "ui/widgets/parts.h"
#include "ui/widgets/segmented_control.h"

#include <QHBoxLayout>
#include <QItemSelectionModel>
#include <QScopedValueRollback>
#include <QStackedWidget>

namespace sa::ui
{

SidePanel::SidePanel(AllocationDocument& document, CellSelection& selection, QWidget* parent)
    : QWidget(parent)
    , m_document(document)
    , m_selection(selection)
{
    m_parts = new SegmentedControl(this);
    m_parts->setAccessibleName(tr("What is shown of the plan"));
    m_parts->addSegment(Layers, tr("Layers"), tr("Every layer with its bits, error and damage"));
    m_parts->addSegment(Tensor, tr("Tensor"), tr("Inside the selected layer"));
    m_parts->addSegment(Check, tr("Check"), tr("What was predicted, and what a run then measured"));
    m_parts->addSegment(Command, tr("Terminal"), tr("The same from the command line"));
    m_parts->setValue(Layers);
    auto* card = makeCard(this);
    m_body = new QStackedWidget(card);
    m_body->insertWidget(Layers, makeTable());
    m_body->insertWidget(Tensor, new TensorPanel(document, selection, m_body));
    m_body->insertWidget(Check, makeCheck());
    m_body->insertWidget(Command, makeCommand());
    connect(m_parts, &SegmentedControl::valueChanged, m_body, &QStackedWidget::setCurrentIndex);
    auto* head = new QHBoxLayout;
    head->setContentsMargins(10, 8, 10, 2);
    head->addWidget(m_parts);
    auto* cardLayout = new QVBoxLayout(card);
    cardLayout->setContentsMargins(1, 1, 1, 1);
    cardLayout->setSpacing(2);
    cardLayout->addLayout(head);
    cardLayout->addWidget(m_body, 1);
    auto* layout = new QVBoxLayout(this);
    tighten(layout, space::kMedium);
    layout->addWidget(makePareto(), 9);
    layout->addWidget(card, 10);

    connect(&document, &AllocationDocument::plansChanged, this, &SidePanel::refreshPlans);
    connect(&document, &AllocationDocument::reset, this, [this] {
        m_built.clear();
        m_pareto->clear();
        m_agreement->setPoints({});
        m_agreementText->setText(
            tr("Compress with this plan, and every layer shows here how right its prediction was."));
        refreshPlans();
    });
    connect(&document, &AllocationDocument::allocationChanged, this, &SidePanel::refreshPoint);
    connect(&selection, &CellSelection::changed, this, &SidePanel::takeSelection);
    refreshPlans();
}

QWidget* SidePanel::makePareto()
{
    auto* card = makeCard(this);
    m_pareto = new ParetoPlot(card);
    connect(m_pareto, &ParetoPlot::budgetPicked, this, [this](quint64 bytes) { m_document.setBudget(bytes); });
    m_paretoHint = makeCaption(tr("Low and left is good. Dashed: uniform plans."), card);
    m_paretoHint->setWordWrap(false);
    m_paretoHint->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
    auto* head = new QVBoxLayout;
    head->setContentsMargins(14, 8, 14, 0);
    head->setSpacing(0);
    head->addWidget(makeTitle(tr("Size against damage"), 1.0, card));
    head->addWidget(m_paretoHint);
    auto* layout = new QVBoxLayout(card);
    layout->setContentsMargins(1, 1, 1, 4);
    layout->setSpacing(2);
    layout->addLayout(head);
    layout->addWidget(m_pareto, 1);
    return card;
}

QWidget* SidePanel::makeTable()
{
    m_model = new LinearTableModel(m_document, this);
    m_sorter = new LayerFilter(LinearTableModel::SortRole, LinearTableModel::NameRole, this);
    m_sorter->setSourceModel(m_model);
    m_table = new DataTable(tr("Layers of the plan"), this);
    setRole(m_table, "flush");
    m_table->setModel(m_sorter);
    m_table->setColumnHidden(LinearTableModel::Criterion, true); // the heatmap has it; there is little room
    m_table->setColumnSamples({"000", "down_proj", "kept", "", "~99.99 %", "~0.0001", "1,023 KiB", "0.001"});
    m_table->setContextMenuPolicy(Qt::CustomContextMenu);
    connect(m_table, &QWidget::customContextMenuRequested, this,
            [this](const QPoint& point) { Q_EMIT menuRequested(m_table->viewport()->mapToGlobal(point)); });
    connect(m_table->selectionModel(), &QItemSelectionModel::selectionChanged, this, &SidePanel::giveSelection);
    return m_table;
}

QWidget* SidePanel::makeCheck()
{
    auto* box = new QWidget(this);
    m_agreement = new AgreementPlot(box);
    m_agreementText =
        makeCaption(tr("Compress with this plan, and every layer shows here how right its prediction was."), box);
    auto* layout = new QVBoxLayout(box);
    layout->setContentsMargins(1, 2, 1, 4);
    layout->setSpacing(2);
    auto* head = new QVBoxLayout;
    head->setContentsMargins(14, 2, 14, 0);
    head->addWidget(m_agreementText);
    layout->addLayout(head);
    layout->addWidget(m_agreement, 1);
    return box;
}

QWidget* SidePanel::makeCommand()
{
    auto* box = new QWidget(this);
    m_command = new CommandBox(box);
    m_command->setTall();
    auto* layout = new QVBoxLayout(box);
    layout->setContentsMargins(14, 4, 14, 12);
    m_commandRemark = makeCaption({}, box);
    m_commandRemark->hide();
    layout->addWidget(m_commandRemark);
    layout->addWidget(m_command);
    return box;
}

void SidePanel::showPart(Part part)
{
    m_parts->setValue(part);
}

void SidePanel::setCommands(const QList<QStringList>& commands, const QString& remark)
{
    m_commandRemark->setText(remark);
    m_commandRemark->setVisible(!remark.isEmpty());
    m_command->setCommands(commands);
}

QString SidePanel::agreementText() const
{
    return m_agreementText->text();
}

void SidePanel::refreshPlans()
{
    ParetoPlot::Data tradeOff;
    tradeOff.otherBytes = m_document.sensitivity().otherBytes;
    if (const PreparedPlans* plans = m_document.plans()) {
        tradeOff.costName =
            plans->allocator->objective() == Objective::Damage ? tr("Predicted damage") : tr("Predicted error");
        for (const CurvePoint& point : plans->curve)
            tradeOff.curve.push_back({point.bytes, point.cost, {}});
        for (std::size_t i = 0; i < plans->uniforms.size(); ++i)
            tradeOff.uniforms.push_back(
                {plans->uniforms[i].bytes, plans->uniforms[i].cost, bitsText(plans->uniformBits[i])});
    }
    m_pareto->setData(tradeOff);
    m_pareto->setBuilt(m_built);
}

void SidePanel::refreshPoint()
{
    if (const Allocation* allocation = m_document.allocation())
        m_pareto->setCurrent({allocation->bytes, allocation->cost, {}});
}

void SidePanel::showOutcome(const RunOutcome& outcome, std::uint64_t linearBytes, double predictedCost)
{
    const auto& prediction = outcome.quantized.prediction;
    if (!prediction)
        return;
    std::vector<AgreementPlot::Point> points;
    for (const Prediction::Layer& layer : prediction->layers)
        points.push_back({layer.predicted, layer.measured, shown(layer.name, 120)});
    m_agreement->setPoints(points);
    const QString layers = counted(static_cast<qint64>(points.size()), tr("1 layer"), tr("%1 layers"));
    m_agreementText->setText(prediction->kendallTau
                                 ? tr("%1. Kendall's tau %2: at 1 the order was predicted exactly, at 0 not at all.")
                                       .arg(layers, decimalText(*prediction->kendallTau, 3))
                                 : tr("%1. Too few for a rank correlation.").arg(layers));
    QString name = tr("Built");
    if (outcome.before && outcome.after)
        name = tr("Built: perplexity %1 → %2")
                   .arg(decimalText(outcome.before->perplexity, 2), decimalText(outcome.after->perplexity, 2));
    m_built.push_back({linearBytes, predictedCost, name});
    m_pareto->setBuilt(m_built);
    showPart(Check);
}

/// From the heatmap to the table.
void SidePanel::takeSelection()
{
    if (m_following)
        return;
    const QScopedValueRollback following(m_following, true);
    QItemSelection rows;
    for (const int linear : m_selection.linears()) {
        const QModelIndex row = m_sorter->mapFromSource(m_model->index(linear, 0));
        if (row.isValid())
            rows.select(row, row.siblingAtColumn(LinearTableModel::ColumnCount - 1));
    }
    m_table->selectionModel()->select(rows, QItemSelectionModel::ClearAndSelect);
    if (m_selection.current() >= 0)
        m_table->scrollTo(m_sorter->mapFromSource(m_model->index(m_selection.current(), 0)));
}

void SidePanel::giveSelection()
{
    if (m_following)
        return;
    const QScopedValueRollback following(m_following, true);
    std::vector<int> linears;
    for (const QModelIndex& row : m_table->selectionModel()->selectedRows())
        linears.push_back(m_sorter->mapToSource(row).row());
    const QModelIndex current = m_sorter->mapToSource(m_table->currentIndex());
    const int at = linears.empty() ? -1 : current.isValid() ? current.row() : linears.front();
    m_selection.set(std::move(linears), at);
}

} // namespace sa::ui
