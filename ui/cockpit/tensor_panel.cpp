// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/tensor_panel.h"

#include "ui/cockpit/cell_figures.h"
#include "ui/cockpit/mini_bars.h"
#include "ui/text.h"
#include "ui/widgets/elided_label.h"
#include "ui/widgets/parts.h"

#include <QGridLayout>
#include <QLabel>

#include <algorithm>
#include <cmath>

namespace sa::ui
{

namespace
{

constexpr std::size_t kShownChannels = 12;

} // namespace

TensorPanel::TensorPanel(AllocationDocument& document, CellSelection& selection, QWidget* parent)
    : QWidget(parent)
    , m_document(document)
    , m_selection(selection)
{
    m_name = new ElidedLabel(Qt::ElideMiddle, this);
    m_numbers = makeCaption({}, this);
    m_numbers->setWordWrap(false);
    m_numbers->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
    m_hint = makeMuted(tr("Select a cell to see its tensor."), this);
    m_hint->setAlignment(Qt::AlignCenter);
    m_hint->setWordWrap(true);
    m_plots = new QWidget(this);
    m_histogram = new MiniBars(
        tr("Weights"), tr("How often each value occurs, on a logarithmic scale. Long tails are hard to compress."),
        m_plots);
    m_outliers = new MiniBars(
        tr("Loud channels"),
        tr("Input channels far above the median one. Few and very loud ones are hard to compress."), m_plots);
    m_residual = new MiniBars(
        tr("Left over by plane"),
        tr("Share of the weights' energy that is not yet described with 1, 2, ... planes. Low is good."), m_plots);
    m_exponents = new MiniBars(tr("Scale exponents"), tr("How often each power of two leads a scale."), m_plots);
    auto* grid = new QGridLayout(m_plots);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setHorizontalSpacing(space::kLarge);
    grid->setVerticalSpacing(space::kSmall);
    grid->addWidget(m_histogram, 0, 0);
    grid->addWidget(m_residual, 0, 1);
    grid->addWidget(m_outliers, 1, 0);
    grid->addWidget(m_exponents, 1, 1);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(14, 4, 14, 8);
    layout->setSpacing(2);
    layout->addWidget(m_name);
    layout->addWidget(m_numbers);
    layout->addSpacing(space::kTight);
    layout->addWidget(m_plots, 1);
    layout->addWidget(m_hint, 1);
    connect(&selection, &CellSelection::changed, this, &TensorPanel::refresh);
    connect(&document, &AllocationDocument::figuresChanged, this, &TensorPanel::refresh);
    connect(&document, &AllocationDocument::reset, this, &TensorPanel::refresh);
    refresh();
}

void TensorPanel::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    refresh();
}

void TensorPanel::refresh()
{
    if (!isVisible() && !m_plots->isHidden() && m_selection.current() >= 0)
        return; // showEvent comes back to it
    const int current = m_selection.current();
    const bool selected = current >= 0 && current < static_cast<int>(m_document.sensitivity().linears.size());
    const LinearSensitivity* linear =
        selected ? &m_document.sensitivity().linears[static_cast<std::size_t>(current)] : nullptr;
    const bool detailed = linear && linear->detail;
    m_name->setVisible(linear != nullptr);
    m_numbers->setVisible(detailed);
    m_plots->setVisible(detailed);
    m_hint->setVisible(!detailed);
    m_hint->setText(linear ? tr("Analyze the model to see inside this tensor.")
                           : tr("Select a cell to see its tensor."));
    if (linear)
        m_name->setText(fromUtf8(linear->name));
    if (detailed)
        showDetail(*linear->detail);
}

void TensorPanel::showDetail(const TensorDetail& detail)
{
    m_numbers->setText(tr("mean %1 · deviation %2 · from %3 to %4")
                           .arg(significantText(detail.mean, 2), significantText(detail.deviation, 2),
                                significantText(detail.min, 2), significantText(detail.max, 2)));
    std::vector<double> counts;
    for (const std::uint64_t count : detail.histogram.counts)
        counts.push_back(std::log1p(static_cast<double>(count)));
    m_histogram->setBars(counts, {significantText(detail.histogram.low, 2), significantText(detail.histogram.high, 2)});

    std::vector<double> ratios;
    QStringList channels;
    for (std::size_t i = 0; i < std::min(kShownChannels, detail.outliers.size()); ++i)
        ratios.push_back(detail.outliers[i].ratio);
    if (!detail.outliers.empty())
        channels = {tr("channel %1").arg(detail.outliers.front().channel), QString()};
    m_outliers->setBars(ratios, channels,
                        ratios.empty() ? QString() : tr("up to %1 ×").arg(significantText(ratios.front(), 2)));

    QStringList planes;
    for (std::size_t i = 0; i < detail.planeResidual.size(); ++i)
        planes += QString::number(i + 1);
    m_residual->setBars(detail.planeResidual, planes,
                        detail.planeResidual.empty() ? QString() : percentText(detail.planeResidual.back(), 2));

    std::vector<double> exponents;
    for (const std::uint64_t count : detail.exponents.counts)
        exponents.push_back(static_cast<double>(count));
    const int last = detail.exponents.first + static_cast<int>(exponents.size()) - 1;
    m_exponents->setBars(exponents, {tr("2^%1").arg(detail.exponents.first), tr("2^%1").arg(last)});
}

} // namespace sa::ui
