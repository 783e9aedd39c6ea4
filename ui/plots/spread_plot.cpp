// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/plots/spread_plot.h"

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

constexpr double kSideStep = 0.05;   // of a step: whiskers of the two series stand beside each other
constexpr double kPickDistance = 14; // pixels
constexpr double kRoomAbove = 1.12;
constexpr int kMostNames = 10; // below the axis

} // namespace

SpreadPlot::SpreadPlot(const QString& name, const QString& xTitle, const QString& yTitle, const QString& unit,
                       QWidget* parent)
    : QWidget(parent)
    , m_unit(unit)
    , m_plot(new QCustomPlot(this))
{
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_plot);
    setAccessibleName(name);
    for (int i = 0; i < 2; ++i) {
        auto* graph = m_plot->addGraph();
        auto* whiskers = new QCPErrorBars(m_plot->xAxis, m_plot->yAxis);
        whiskers->setDataPlottable(graph);
        whiskers->setWhiskerWidth(7);
        whiskers->setSymbolGap(0);
        whiskers->removeFromLegend();
        m_lines.push_back({graph, whiskers});
    }
    m_plot->plotLayout()->insertRow(0);
    m_plot->plotLayout()->addElement(0, 0, m_plot->legend);
    m_plot->plotLayout()->setRowStretchFactor(0, 0.001);
    m_plot->legend->setFillOrder(QCPLegend::foColumnsFirst);
    m_plot->legend->setBorderPen(Qt::NoPen);
    m_plot->legend->setBrush(Qt::NoBrush);
    m_plot->legend->setMargins(QMargins(0, 0, 0, 0));
    m_plot->xAxis->setLabel(xTitle);
    m_plot->yAxis->setLabel(yTitle);
    m_plot->xAxis->grid()->setVisible(false);
    m_plot->axisRect()->setMinimumMargins(QMargins(4, 4, 12, 4));
    m_plot->setMouseTracking(true);
    m_plot->setFocusPolicy(Qt::NoFocus); // the table has every figure for the keyboard
    connect(m_plot, &QCustomPlot::mouseMove, this, [this](QMouseEvent* event) { showToolTip(event->pos()); });
    applyColors();
}

void SpreadPlot::setSeries(const QStringList& steps, const std::vector<Series>& series)
{
    m_steps = steps;
    m_series = series;
    double top = 0;
    for (std::size_t i = 0; i < m_lines.size(); ++i) {
        QVector<double> keys, values, below, above;
        if (i < series.size())
            for (std::size_t k = 0; k < series[i].points.size(); ++k) {
                const Point& point = series[i].points[k];
                keys += static_cast<double>(k) + (i == 0 ? -kSideStep : kSideStep);
                values += point.median;
                below += point.median - point.low;
                above += point.high - point.median;
                if (std::isfinite(point.high))
                    top = std::max(top, point.high);
            }
        m_lines[i].graph->setData(keys, values, true);
        m_lines[i].whiskers->setData(below, above);
        m_lines[i].graph->setName(i < series.size() ? series[i].name : QString());
        m_lines[i].graph->removeFromLegend();
        if (i < series.size() && !keys.isEmpty())
            m_lines[i].graph->addToLegend();
    }
    m_plot->legend->setVisible(series.size() > 1);
    const auto ticks = QSharedPointer<QCPAxisTickerText>::create();
    const int every = std::max(1, static_cast<int>((steps.size() + kMostNames - 1) / kMostNames));
    for (int k = 0; k < steps.size(); k += every)
        ticks->addTick(k, steps[k]);
    m_plot->xAxis->setTicker(ticks);
    m_plot->xAxis->setRange(-0.4, std::max<double>(0.4, static_cast<double>(steps.size()) - 0.6));
    m_plot->yAxis->setRange(0, top > 0 ? top * kRoomAbove : 1);
    describe();
    replot();
}

/// The figures in words, for screen readers.
void SpreadPlot::describe()
{
    QStringList texts;
    for (const Series& series : m_series)
        for (std::size_t k = 0; k < series.points.size() && k < static_cast<std::size_t>(m_steps.size()); ++k)
            texts += tr("%1, %2: %3 %4")
                         .arg(series.name, m_steps[static_cast<int>(k)], significantText(series.points[k].median, 3),
                              m_unit);
    setAccessibleDescription(texts.join(QStringLiteral("; ")));
}

void SpreadPlot::showToolTip(const QPoint& point)
{
    for (std::size_t i = 0; i < m_series.size(); ++i)
        for (std::size_t k = 0; k < m_series[i].points.size(); ++k) {
            const Point& value = m_series[i].points[k];
            const double key = static_cast<double>(k) + (i == 0 ? -kSideStep : kSideStep);
            const double dx = m_plot->xAxis->coordToPixel(key) - point.x();
            const double dy = m_plot->yAxis->coordToPixel(value.median) - point.y();
            if (!(std::hypot(dx, dy) < kPickDistance))
                continue;
            QToolTip::showText(
                m_plot->mapToGlobal(point),
                plainToolTip(tr("%1, %2: %3 %6 (half of the runs: %4 to %5)")
                                 .arg(m_series[i].name, m_steps[static_cast<int>(k)], significantText(value.median, 3),
                                      significantText(value.low, 3), significantText(value.high, 3), m_unit)),
                m_plot);
            return;
        }
    QToolTip::hideText();
}

void SpreadPlot::replot()
{
    if (isVisible() && m_plot->width() > 0 && m_plot->height() > 0)
        m_plot->replot(QCustomPlot::rpQueuedReplot);
}

void SpreadPlot::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    replot();
}

void SpreadPlot::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange)
        applyColors();
}

void SpreadPlot::applyColors()
{
    const Colors& colors = colorsOf(palette());
    stylePlot(*m_plot, *this);
    QFont small = font();
    small.setPointSizeF(small.pointSizeF() * 0.9);
    m_plot->legend->setFont(small);
    m_plot->legend->setTextColor(colors.text);
    const QColor tones[] = {colors.muted, colors.accent};
    for (std::size_t i = 0; i < m_lines.size(); ++i) {
        m_lines[i].graph->setPen(QPen(tones[i], 1.5));
        m_lines[i].graph->setScatterStyle(QCPScatterStyle(i == 0 ? QCPScatterStyle::ssSquare : QCPScatterStyle::ssDisc,
                                                          QPen(tones[i], 1.5), QBrush(tones[i]), 6));
        m_lines[i].whiskers->setPen(QPen(tones[i], 1.2));
    }
    replot();
}

} // namespace sa::ui
