// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/plots/error_plot.h"

#include "ui/models/run_layer_model.h"
#include "ui/plots/plot_style.h"
#include "ui/style/theme.h"
#include "ui/text.h"

#include <QMouseEvent>
#include <QToolTip>
#include <QVBoxLayout>

#include <qcustomplot.h>

#include <algorithm>
#include <cmath>

namespace sa::ui
{

namespace
{

constexpr double kBarWidth = 0.72;
constexpr double kHeadroom = 1.06;
constexpr double kSmallestRange = 1e-4; // percent; keeps the axis sane while all errors are zero

double percentOf(const LayerResult& layer)
{
    return std::isfinite(layer.relativeError) ? std::max(0.0, layer.relativeError * 100) : 0.0;
}

/// Percent labels with as many decimals as the step needs.
class PercentTicker final : public QCPAxisTicker
{
protected:
    QString getTickLabel(double tick, const QLocale& locale, QChar format, int precision) override
    {
        Q_UNUSED(locale)
        Q_UNUSED(format)
        Q_UNUSED(precision)
        return QString::number(tick, 'g', 4) + QStringLiteral(" %");
    }
};

} // namespace

QString plotLibraryVersion()
{
    return QStringLiteral(QCUSTOMPLOT_VERSION_STR);
}

ErrorPlot::ErrorPlot(QWidget* parent)
    : QWidget(parent)
    , m_plot(new QCustomPlot(this))
    , m_ticks(new QCPAxisTickerText)
{
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_plot);
    setAccessibleName(tr("Relative error of each layer"));
    setAccessibleDescription(tr("The table of layers beside it holds the same numbers"));

    m_bars = new QCPBars(m_plot->xAxis, m_plot->yAxis);
    m_marked = new QCPBars(m_plot->xAxis, m_plot->yAxis);
    for (QCPBars* bars : {m_bars, m_marked}) {
        bars->setWidth(kBarWidth);
        bars->setAntialiasedFill(false);
    }
    m_plot->xAxis->setTicker(m_ticks);
    m_plot->yAxis->setTicker(QSharedPointer<PercentTicker>::create());
    m_plot->yAxis->ticker()->setTickCount(4);
    for (QCPAxis* axis : {m_plot->xAxis, m_plot->yAxis})
        axis->setSubTicks(false);
    m_plot->xAxis->setTickLengthIn(0);
    m_plot->yAxis->setTickLength(0);
    m_plot->xAxis->setTickLabelPadding(8);
    m_plot->yAxis->setTickLabelPadding(8);
    m_plot->xAxis->grid()->setVisible(false);
    m_plot->axisRect()->setMinimumMargins(QMargins(4, 8, 8, 4));
    m_plot->setMouseTracking(true);
    connect(m_plot, &QCustomPlot::mouseMove, this, [this](QMouseEvent* event) { showToolTip(event->pos()); });
    connect(m_plot, &QCustomPlot::mousePress, this, [this](QMouseEvent* event) {
        if (const int position = positionAt(event->pos()); position >= 0)
            Q_EMIT picked(position);
    });
    applyColors();
    reset(0);
}

void ErrorPlot::reset(int expected)
{
    m_layers.clear();
    m_expected = expected;
    m_highlighted = -1;
    refreshBars();
}

void ErrorPlot::append(const std::vector<LayerResult>& batch)
{
    m_layers.insert(m_layers.end(), batch.begin(), batch.end());
    refreshBars();
}

/// A hidden plot has no size to paint on; it is drawn when it appears.
void ErrorPlot::replot()
{
    if (isVisible() && m_plot->width() > 0 && m_plot->height() > 0)
        m_plot->replot(QCustomPlot::rpQueuedReplot);
}

void ErrorPlot::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    replot();
}

void ErrorPlot::highlight(int position)
{
    if (position == m_highlighted)
        return;
    m_highlighted = position;
    refreshBars();
}

void ErrorPlot::refreshBars()
{
    QVector<double> keys, values;
    double largest = kSmallestRange;
    for (std::size_t i = 0; i < m_layers.size(); ++i) {
        keys += static_cast<double>(i);
        values += percentOf(m_layers[i]);
        largest = std::max(largest, values.constLast());
    }
    m_bars->setData(keys, values, true);
    const bool marked = m_highlighted >= 0 && m_highlighted < keys.size();
    m_marked->setData(marked ? QVector<double>{keys[m_highlighted]} : QVector<double>{},
                      marked ? QVector<double>{values[m_highlighted]} : QVector<double>{}, true);
    const double count = std::max<double>({1.0, static_cast<double>(m_expected), static_cast<double>(m_layers.size())});
    m_plot->xAxis->setRange(-0.7, count - 0.3);
    m_plot->yAxis->setRange(0, largest * kHeadroom);
    refreshTicks();
    replot();
}

/// One label below the middle of a block, as many as fit without touching.
void ErrorPlot::refreshTicks()
{
    std::vector<std::pair<double, int>> middles;
    for (std::size_t begin = 0, end = 0; begin < m_layers.size(); begin = end) {
        while (end < m_layers.size() && m_layers[end].block == m_layers[begin].block)
            ++end;
        middles.emplace_back(static_cast<double>(begin + end - 1) / 2, m_layers[begin].block);
    }
    const QString widest = tr("block %1").arg(middles.empty() ? 0 : middles.back().second);
    const double labelWidth = m_plot->fontMetrics().horizontalAdvance(widest) + 14;
    const double pixelsALayer = m_plot->width() / std::max(1.0, m_plot->xAxis->range().size());
    m_ticks->clear();
    double lastEnd = -1e9;
    for (const auto& [position, block] : middles) {
        if (position * pixelsALayer < lastEnd)
            continue;
        m_ticks->addTick(position, tr("block %1").arg(block));
        lastEnd = position * pixelsALayer + labelWidth;
    }
}

int ErrorPlot::positionAt(const QPoint& point) const
{
    if (!m_plot->axisRect()->rect().contains(point))
        return -1;
    const auto position = static_cast<int>(std::lround(m_plot->xAxis->pixelToCoord(point.x())));
    return position >= 0 && position < static_cast<int>(m_layers.size()) ? position : -1;
}

void ErrorPlot::showToolTip(const QPoint& point)
{
    const int position = positionAt(point);
    if (position < 0) {
        QToolTip::hideText();
        return;
    }
    const LayerResult& layer = m_layers[static_cast<std::size_t>(position)];
    const QString text =
        tr("Block %1, %2: %3")
            .arg(QString::number(layer.block), projectionOf(layer), percentText(layer.relativeError, 2));
    QToolTip::showText(m_plot->mapToGlobal(point), plainToolTip(text), m_plot);
}

void ErrorPlot::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange)
        applyColors();
}

void ErrorPlot::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    refreshTicks();
}

void ErrorPlot::applyColors()
{
    const Colors& colors = colorsOf(palette());
    stylePlot(*m_plot, *this);
    m_plot->yAxis->setBasePen(Qt::NoPen);
    m_bars->setPen(Qt::NoPen);
    m_bars->setBrush(colors.accent);
    m_marked->setPen(Qt::NoPen);
    m_marked->setBrush(colors.warning);
    replot();
}

} // namespace sa::ui
