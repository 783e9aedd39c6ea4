// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/measure/latency_view.h"

#include "ui/measure/latency_table_model.h"
#include "ui/measure/memory_bars.h"
#include "ui/plots/spread_plot.h"
#include "ui/text.h"
#include "ui/widgets/data_table.h"
#include "ui/widgets/parts.h"

#include <QGridLayout>
#include <QHBoxLayout>
#include <QSortFilterProxyModel>

namespace sa::ui
{

namespace
{

constexpr int kPlotHeight = 236;
constexpr int kEnergyWidth = 304;

QVBoxLayout* cardLayout(QWidget* card)
{
    auto* layout = new QVBoxLayout(card);
    layout->setContentsMargins(14, 10, 14, 10);
    layout->setSpacing(space::kSmall);
    return layout;
}

SpreadPlot::Point pointOf(const Spread& spread)
{
    return {1000 * spread.median, 1000 * spread.low, 1000 * spread.high};
}

} // namespace

LatencyView::LatencyView(QWidget* parent)
    : QWidget(parent)
    , m_model(new LatencyTableModel(this))
    , m_sorter(new QSortFilterProxyModel(this))
{
    m_headline = makeTitle({}, 1.35, this);
    m_headline->setWordWrap(true);
    m_details = makeMuted({}, this);
    m_provenance = makeCaption({}, this);
    m_provenance->setWordWrap(false);
    auto* line = new QHBoxLayout;
    tighten(line, space::kMedium);
    line->addWidget(m_details);
    line->addStretch();
    line->addWidget(m_provenance);
    auto* head = new QVBoxLayout;
    tighten(head, 2);
    head->addWidget(m_headline);
    head->addLayout(line);
    auto* lower = new QHBoxLayout;
    tighten(lower, space::kMedium);
    lower->addWidget(makeTableCard(), 1);
    lower->addWidget(makeEnergyCard());
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(space::kMedium);
    layout->addLayout(head);
    layout->addWidget(makePlots());
    layout->addLayout(lower, 1);
}

QWidget* LatencyView::makePlots()
{
    auto* plots = new QWidget(this);
    auto* row = new QHBoxLayout(plots);
    tighten(row, space::kMedium);
    m_first = new SpreadPlot(tr("Time to the first token over the prompt's length"), tr("Prompt, tokens"), tr("ms"),
                             tr("ms"), plots);
    m_token = new SpreadPlot(tr("Time of a decoded token over the prompt's length"), tr("Prompt, tokens"),
                             tr("ms a token"), tr("ms"), plots);
    m_memory = new MemoryBars(plots);
    const auto add = [&](const QString& title, const QString& explanation, QWidget* content, int bottom) {
        auto* card = makeCard(plots);
        auto* layout = cardLayout(card);
        auto* heads = new QVBoxLayout;
        tighten(heads, 1);
        heads->addWidget(makeTitle(title, 1.0, card));
        auto* caption = makeCaption(explanation, card);
        caption->setWordWrap(false);
        heads->addWidget(caption);
        layout->addLayout(heads);
        layout->addWidget(content, 1);
        if (bottom > 0)
            layout->addStretch(bottom);
        card->setMinimumHeight(kPlotHeight);
        row->addWidget(card, 1);
    };
    add(tr("First token"), tr("Time of the prefill. Lower is better"), m_first, 0);
    add(tr("Each further token"), tr("Decoding, one at a time. Lower is better"), m_token, 0);
    add(tr("Memory"), tr("At the longest prompt. Lower is better"), m_memory, 0);
    return plots;
}

QWidget* LatencyView::makeTableCard()
{
    auto* card = makeCard(this);
    m_table = new DataTable(tr("Figures of the measurement"), card);
    setRole(m_table, "flush");
    m_sorter->setSourceModel(m_model);
    m_sorter->setSortRole(LatencyTableModel::SortRole);
    m_table->setModel(m_sorter);
    m_table->setColumnSamples(
        {"", "9,999", "9,999", "1,000 to 9,999", "99.9", "99.9 to 99.9", "999.9", "9.99 MiB", "99.9 mJ"});
    auto* layout = new QVBoxLayout(card);
    layout->setContentsMargins(1, 2, 1, 1);
    layout->addWidget(m_table);
    return card;
}

QWidget* LatencyView::makeEnergyCard()
{
    auto* card = makeCard(this);
    m_energyCard = card;
    card->setFixedWidth(kEnergyWidth);
    card->setAccessibleName(tr("Energy of a decoded token"));
    auto* layout = cardLayout(card);
    layout->addWidget(makeTitle(tr("Energy of a decoded token"), 1.0, card));
    auto* grid = new QGridLayout;
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setHorizontalSpacing(space::kMedium);
    grid->setVerticalSpacing(space::kSmall);
    grid->setColumnStretch(0, 1);
    for (int side = 0; side < 2; ++side) {
        m_energyNames[side] = makeCaption({}, card);
        m_energyNames[side]->setWordWrap(false);
        m_energyNames[side]->setAlignment(Qt::AlignRight);
        grid->addWidget(m_energyNames[side], 0, 1 + side);
    }
    const auto addRow = [&](EnergyRow& row, const QString& kind, Tone tone, int line) {
        row.kind = makeChip(kind, tone, card);
        row.first = makeLabel({}, card);
        row.second = makeLabel({}, card);
        grid->addWidget(row.kind, line, 0);
        for (QLabel* label : {row.first, row.second})
            label->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
        grid->addWidget(row.first, line, 1);
        grid->addWidget(row.second, line, 2);
    };
    addRow(m_measured, tr("measured"), Tone::Accent, 1);
    addRow(m_calculated, tr("calculated"), Tone::Plain, 2);
    layout->addLayout(grid);
    m_energyNote = makeCaption({}, card);
    layout->addWidget(m_energyNote);
    layout->addStretch();
    return card;
}

void LatencyView::setResult(const LatencyResult& result, const QStringList& names)
{
    m_headline->setText(latencyHeadline(result));
    m_details->setText(latencyDetails(result));
    QStringList steps;
    for (const LatencyAtLength& at : result.models.front().lengths)
        steps += countText(at.promptTokens);
    std::vector<SpreadPlot::Series> first, token;
    std::vector<MemoryBars::Bar> bars;
    for (std::size_t i = 0; i < result.models.size(); ++i) {
        const MeasuredModel& model = result.models[i];
        const QString name = names.value(static_cast<int>(i));
        first.push_back({name, {}});
        token.push_back({name, {}});
        for (const LatencyAtLength& at : model.lengths) {
            first.back().points.push_back(pointOf(at.firstToken));
            token.back().points.push_back(pointOf(at.decode));
        }
        bars.push_back({name, model.weightBytes, model.cacheBytes, model.scratchBytes});
    }
    m_first->setSeries(steps, first);
    m_token->setSeries(steps, token);
    m_memory->setBars(bars);
    m_model->setResult(result, names);
    m_table->setColumnHidden(LatencyTableModel::Energy, result.energySource.isEmpty());
    m_table->resetOrder();
    setEnergy(result, names);
}

void LatencyView::setEnergy(const LatencyResult& result, const QStringList& names)
{
    const bool measured = !result.energySource.isEmpty();
    QLabel* cells[2][2] = {{m_measured.first, m_measured.second}, {m_calculated.first, m_calculated.second}};
    for (std::size_t side = 0; side < 2; ++side) {
        const bool there = side < result.models.size();
        m_energyNames[side]->setText(
            there ? m_energyNames[side]->fontMetrics().elidedText(names.value(static_cast<int>(side)), Qt::ElideMiddle,
                                                                  kEnergyWidth / 3 - space::kLarge)
                  : QString());
        cells[0][side]->setText(there ? energyText(result.models[side].lengths.back().decodeJoules.median) : QString());
        cells[1][side]->setText(there ? energyText(result.models[side].calculatedJoules) : QString());
    }
    const QString source =
        result.energySource == QLatin1String("rapl")
            ? tr("Measured: the processor package's own counter (RAPL), with everything that runs on it.")
        : measured ? tr("Measured: the card's own counter (%1).").arg(shown(result.energySource, 20))
                   : tr("Not measured on this machine: it offers no counter that may be read.");
    m_energyNote->setText(
        source + u'\n' +
        tr("Calculated: operations and bytes after %1 tokens, times published prices of a 45 nm chip. It compares the "
           "models, and does not say what this machine draws.")
            .arg(countText(result.energyContext)));
    m_energyCard->setAccessibleDescription(energy());
}

void LatencyView::setProvenance(const QString& text, bool stale)
{
    m_provenance->setText(text);
    setTone(m_provenance, stale ? Tone::Warning : Tone::Plain);
}

QString LatencyView::headline() const
{
    return m_headline->text();
}

QString LatencyView::provenance() const
{
    return m_provenance->text();
}

QString LatencyView::energy() const
{
    QStringList texts;
    for (const EnergyRow* row : {&m_measured, &m_calculated})
        texts += QStringLiteral("%1: %2, %3").arg(row->kind->text(), row->first->text(), row->second->text());
    texts += m_energyNote->text();
    return texts.join(u'\n');
}

} // namespace sa::ui
