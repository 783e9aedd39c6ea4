// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/run_view.h"

#include "ui/models/layer_filter.h"
#include "ui/models/run_layer_model.h"
#include "ui/pages/prompt_panel.h"
#include "ui/pages/result_panel.h"
#include "ui/plots/error_plot.h"
#include "ui/text.h"
#include "ui/widgets/data_table.h"
#include "ui/widgets/elided_label.h"
#include "ui/widgets/parts.h"
#include "ui/widgets/segmented_control.h"
#include "ui/widgets/step_strip.h"

#include <QHBoxLayout>
#include <QItemSelectionModel>
#include <QProgressBar>
#include <QScrollBar>
#include <QSplitter>
#include <QStackedWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace sa::ui
{

namespace
{

constexpr int kBarSteps = 1000;
enum Tab { LayersTab, PromptTab };

struct Span {
    double begin, end;
};

/// Shares of a quantize job by phase: the quantizing itself is nearly all of it.
Span spanOf(const std::string& phase)
{
    if (phase == "open")
        return {0, 0.01};
    if (phase == "hash")
        return {0.01, 0.03};
    if (phase == "tokenize")
        return {0.03, 0.05};
    if (phase == "resume") // it goes on from what is done
        return {0.05, 0.06};
    if (phase == "write")
        return {0.94, 0.97};
    if (phase == "verify")
        return {0.97, 1};
    return {0.05, 0.94};
}

/// Of the whole run, measurements included.
double overall(CompressionRun::Stage stage, bool measure, const Progress& progress)
{
    constexpr double kQuantizeShare = 0.8; // the rest is shared by the two measurements
    constexpr double kMeasureShare = (1 - kQuantizeShare) / 2;
    switch (stage) {
    case CompressionRun::Stage::Quantizing: {
        const Span span = spanOf(progress.phase);
        const double part = span.begin + (span.end - span.begin) * progress.fraction();
        return part * (measure ? kQuantizeShare : 1);
    }
    case CompressionRun::Stage::MeasuringOriginal:
        return kQuantizeShare + kMeasureShare * progress.fraction();
    case CompressionRun::Stage::MeasuringPacked:
        return kQuantizeShare + kMeasureShare * (1 + progress.fraction());
    case CompressionRun::Stage::Idle:
        break;
    }
    return 0;
}

} // namespace

RunView::RunView(QWidget* parent)
    : QWidget(parent)
{
    m_title = makeTitle({}, 1.4, this);
    m_steps = new StepStrip(this);
    m_newRun = makeButton(tr("New run"), QStringLiteral("refresh"), this);
    m_newRun->setToolTip(tr("Back to the settings"));
    connect(m_newRun, &QPushButton::clicked, this, &RunView::newRunRequested);
    auto* head = new QHBoxLayout;
    tighten(head, space::kLarge);
    head->addWidget(m_title, 1);
    head->addWidget(m_steps);
    head->addWidget(m_newRun);

    m_result = new ResultPanel(this);
    m_result->hide();
    auto* layout = new QVBoxLayout(this);
    tighten(layout, space::kMedium);
    layout->addLayout(head);
    layout->addWidget(makeProgressCard());
    layout->addWidget(m_result);

    m_tabs = new SegmentedControl(this);
    m_tabs->setAccessibleName(tr("What to show below"));
    m_tabs->addSegment(LayersTab, tr("Layers"), tr("Error of every layer"));
    m_tabs->addSegment(PromptTab, tr("Try a prompt"), tr("Let both models go on with a text"));
    m_lower = new QStackedWidget(this);
    m_lower->addWidget(makeLayers());
    m_prompt = new PromptPanel(m_lower);
    m_lower->addWidget(m_prompt);
    connect(m_tabs, &SegmentedControl::valueChanged, m_lower, &QStackedWidget::setCurrentIndex);
    m_tabs->setValue(LayersTab);
    layout->addWidget(m_tabs, 0, Qt::AlignLeft);
    layout->addWidget(m_lower, 1);
}

QWidget* RunView::makeProgressCard()
{
    m_progressCard = makeCard(this);
    m_phase = makeTitle({}, 1.08, m_progressCard);
    m_percent = makeTitle({}, 1.08, m_progressCard);
    m_percent->setToolTip(tr("Of the whole run, with the quality check"));
    m_bar = new QProgressBar(m_progressCard);
    m_bar->setRange(0, kBarSteps);
    m_bar->setTextVisible(false);
    m_bar->setAccessibleName(tr("Progress of the run"));
    m_numbers = makeMuted({}, m_progressCard);
    m_step = makeMuted({}, m_progressCard);
    m_remark = makeLabel({}, m_progressCard);
    setTone(m_remark, Tone::Warning);
    m_cancel = makeButton(tr("Cancel"), QStringLiteral("stop"), m_progressCard);
    m_cancel->setToolTip(tr("Stop this run. Its finished layers are kept, so that it can be resumed"));
    connect(m_cancel, &QPushButton::clicked, this, &RunView::cancelRequested);

    auto* top = new QHBoxLayout;
    tighten(top, space::kMedium);
    top->addWidget(m_phase);
    top->addWidget(m_step, 1);
    top->addWidget(m_percent);
    auto* bottom = new QHBoxLayout;
    tighten(bottom, space::kMedium);
    bottom->addWidget(m_numbers);
    bottom->addWidget(m_remark, 1);
    bottom->addWidget(m_cancel);
    auto* card = new QVBoxLayout(m_progressCard);
    card->setContentsMargins(20, space::kLarge, 20, space::kMedium);
    card->setSpacing(10);
    card->addLayout(top);
    card->addWidget(m_bar);
    card->addLayout(bottom);
    return m_progressCard;
}

QWidget* RunView::makeLayers()
{
    m_model = new RunLayerModel(this);
    m_sorter = new LayerFilter(RunLayerModel::SortRole, RunLayerModel::NameRole, this);
    m_sorter->setSourceModel(m_model);
    auto* tableCard = makeCard(this);
    m_table = new DataTable(tr("Finished layers"), tableCard);
    setRole(m_table, "flush");
    m_table->setModel(m_sorter);
    m_table->setColumnSamples({"000", "", "4", "99.99 %", "1,000,000", "1,023 KiB", "99.99 s"});
    auto* tableLayout = new QVBoxLayout(tableCard);
    tableLayout->setContentsMargins(1, 2, 1, 1);
    tableLayout->addWidget(m_table);

    auto* plotCard = makeCard(this);
    m_plot = new ErrorPlot(plotCard);
    m_worst = makeCaption({}, plotCard);
    auto* plotHead = new QVBoxLayout;
    plotHead->setContentsMargins(14, 10, 14, 0);
    plotHead->setSpacing(1);
    plotHead->addWidget(makeTitle(tr("Relative error by layer"), 1.0, plotCard));
    plotHead->addWidget(m_worst);
    auto* plotLayout = new QVBoxLayout(plotCard);
    plotLayout->setContentsMargins(1, 1, 1, 6);
    plotLayout->setSpacing(space::kTight);
    plotLayout->addLayout(plotHead);
    plotLayout->addWidget(m_plot, 1);

    connect(m_table->selectionModel(), &QItemSelectionModel::selectionChanged, this, [this] {
        const QModelIndexList rows = m_table->selectionModel()->selectedRows();
        m_plot->highlight(rows.isEmpty() ? -1 : rows.constFirst().data(RunLayerModel::PositionRole).toInt());
    });
    connect(m_plot, &ErrorPlot::picked, this, &RunView::selectPosition);

    auto* splitter = new QSplitter(Qt::Horizontal, this);
    splitter->addWidget(tableCard);
    splitter->addWidget(plotCard);
    splitter->setHandleWidth(space::kMedium);
    splitter->setChildrenCollapsible(false);
    splitter->setStretchFactor(0, 4);
    splitter->setStretchFactor(1, 3);
    splitter->setSizes({640, 480});
    return splitter;
}

void RunView::selectPosition(int position)
{
    const QModelIndex row = m_sorter->mapFromSource(m_model->index(position, 0));
    m_table->selectRow(row.row());
    m_table->scrollTo(row);
}

void RunView::begin(const RunPlan& plan)
{
    m_plan = plan;
    m_fraction = 0;
    const QString name = shown(plan.model.displayName(), 60);
    m_title->setText(plan.quantize.plan.empty()
                         ? tr("Compressing %1 to %2").arg(name, counted(plan.quantize.bits, tr("1 bit"), tr("%1 bits")))
                         : tr("Compressing %1 by its plan").arg(name));
    QStringList steps{tr("Compress")};
    if (plan.measure)
        steps << tr("Measure original") << tr("Measure compressed");
    m_steps->setSteps(steps);
    m_model->clear();
    m_table->resetOrder();
    const auto expected = std::count_if(plan.model.layers.begin(), plan.model.layers.end(),
                                        [](const LayerRow& row) { return row.quantizable; });
    m_plot->reset(static_cast<int>(expected));
    m_worst->setText(tr("Waiting for the first layer. Lower is better"));
    m_bar->setValue(0);
    m_percent->setText(percentText(0, 0));
    m_phase->setText(tr("Starting the worker"));
    m_step->clear();
    m_numbers->setText(QStringLiteral(" "));
    m_prompt->reset(plan);
    m_tabs->setValue(LayersTab);
    m_tabs->hide();
    m_result->hide();
    m_newRun->hide();
    m_steps->setVisible(plan.measure);
    m_progressCard->show();
    setCancelling(false);
    setRemark({});
    setStage(CompressionRun::Stage::Quantizing);
}

void RunView::setStage(CompressionRun::Stage stage)
{
    m_stage = stage;
    switch (stage) {
    case CompressionRun::Stage::Idle:
        return;
    case CompressionRun::Stage::Quantizing:
        m_steps->setCurrent(0);
        return;
    case CompressionRun::Stage::MeasuringOriginal:
        m_steps->setCurrent(1);
        m_phase->setText(tr("Measuring the original"));
        break;
    case CompressionRun::Stage::MeasuringPacked:
        m_steps->setCurrent(2);
        m_phase->setText(tr("Measuring the compressed model"));
        break;
    }
    m_step->clear();
    m_numbers->setText(QStringLiteral(" "));
}

void RunView::setProgress(const Progress& progress)
{
    m_fraction = std::max(m_fraction, overall(m_stage, m_plan.measure, progress));
    m_bar->setValue(static_cast<int>(m_fraction * kBarSteps));
    m_percent->setText(percentText(std::floor(m_fraction * 100) / 100, 0));
    if (m_stage == CompressionRun::Stage::Quantizing)
        m_phase->setText(phaseText(progress.phase));
    m_step->setText(shown(progress.step, 100));
    QStringList parts;
    const QString unit = shown(progress.unit, 20);
    if (progress.of > 0)
        parts +=
            tr("%1 of %2 %3").arg(countText(std::llround(progress.done)), countText(std::llround(progress.of)), unit);
    if (progress.rate && *progress.rate > 0)
        parts += rateText(*progress.rate, unit);
    const bool unfinished = progress.of > 0 && progress.done < progress.of;
    if (progress.remainingSeconds && unfinished)
        parts += tr("%1 left").arg(durationText(*progress.remainingSeconds));
    else if (unfinished)
        parts += tr("estimating the time left");
    m_numbers->setText(parts.join(QStringLiteral("  ·  ")));
    m_bar->setAccessibleDescription(m_numbers->text());
}

void RunView::appendLayers(const std::vector<LayerResult>& batch)
{
    const QScrollBar* scroll = m_table->verticalScrollBar();
    const bool follow = scroll->value() >= scroll->maximum() - 2 && !m_table->selectionModel()->hasSelection();
    m_model->append(batch);
    m_plot->append(batch);
    if (follow)
        m_table->scrollToBottom();
    refreshWorst();
}

void RunView::refreshWorst()
{
    const auto& layers = m_model->layers();
    const auto worst = std::max_element(layers.begin(), layers.end(), [](const auto& a, const auto& b) {
        return !(a.relativeError >= b.relativeError);
    });
    if (worst != layers.end())
        m_worst->setText(
            (m_stage == CompressionRun::Stage::Quantizing ? tr("Lower is better. Largest so far: %1 in block %2, %3")
                                                          : tr("Lower is better. Largest: %1 in block %2, %3"))
                .arg(percentText(worst->relativeError, 2), QString::number(worst->block), projectionOf(*worst)));
}

void RunView::showOutcome(const RunOutcome& outcome)
{
    m_title->setText(tr("Result for %1").arg(shown(outcome.plan.model.displayName(), 60)));
    m_result->setOutcome(outcome);
    m_progressCard->hide();
    m_steps->hide();
    m_newRun->show();
    m_result->show();
    m_tabs->show();
    m_table->scrollToTop();
    refreshWorst();
}

QString RunView::activityText() const
{
    return QStringLiteral("%1 · %2").arg(m_phase->text(), m_numbers->text().trimmed());
}

void RunView::setRemark(const QString& text)
{
    m_remark->setText(text);
}

void RunView::setCancelling(bool cancelling)
{
    m_cancel->setEnabled(!cancelling);
    m_cancel->setText(cancelling ? tr("Cancelling…") : tr("Cancel"));
}

void RunView::showPrompt()
{
    m_tabs->setValue(PromptTab);
}

void RunView::setJobsAllowed(bool allowed)
{
    m_result->setJobsAllowed(allowed);
    m_prompt->setJobsAllowed(allowed);
}

} // namespace sa::ui
