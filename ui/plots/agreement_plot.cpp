// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/plots/agreement_plot.h"

#include "ui/plots/plot_style.h"
#include "ui/style/theme.h"
#include "ui/text.h"

#include <QLocale>
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

constexpr double kPickDistance = 10; // pixels
constexpr double kRoom = 1.4;        // factor around the points

/// 1, 2 and 5 of every decade, or its beginning alone where there are many: QCustomPlot's own marks crowd on less than
/// two decades.
QSharedPointer<QCPAxisTickerText> decadeTicks(double low, double high)
{
    const auto ticks = QSharedPointer<QCPAxisTickerText>::create();
    const double first = std::floor(std::log10(low)), last = std::ceil(std::log10(high));
    for (double decade = first; decade <= last; ++decade)
        for (const double step : {1.0, 2.0, 5.0})
            if (const double tick = step * std::pow(10.0, decade); step == 1.0 || last - first < 3)
                ticks->addTick(tick, QLocale().toString(tick, 'g', 1));
    return ticks;
}

} // namespace

AgreementPlot::AgreementPlot(QWidget* parent)
    : QWidget(parent)
    , m_plot(new QCustomPlot(this))
{
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_plot);
    setAccessibleName(tr("Predicted against measured error of each layer"));
    m_line = m_plot->addGraph();
    m_dots = m_plot->addGraph();
    m_dots->setLineStyle(QCPGraph::lsNone);
    for (QCPAxis* axis : {m_plot->xAxis, m_plot->yAxis}) {
        axis->setScaleType(QCPAxis::stLogarithmic);
    }
    m_plot->xAxis->setLabel(tr("Predicted error"));
    m_plot->yAxis->setLabel(tr("Measured error"));
    m_plot->axisRect()->setMinimumMargins(QMargins(4, 8, 12, 4));
    m_plot->setMouseTracking(true);
    m_plot->setFocusPolicy(Qt::NoFocus); // the slider and the table are its way without a mouse
    connect(m_plot, &QCustomPlot::mouseMove, this, [this](QMouseEvent* event) { showToolTip(event->pos()); });
    applyColors();
}

void AgreementPlot::setPoints(const std::vector<Point>& points)
{
    m_points.clear();
    std::copy_if(points.begin(), points.end(), std::back_inserter(m_points),
                 [](const Point& point) { return point.predicted > 0 && point.measured > 0; });
    QVector<double> keys, values;
    double low = std::numeric_limits<double>::infinity();
    double high = 0;
    for (const Point& point : m_points) {
        keys += point.predicted;
        values += point.measured;
        low = std::min({low, point.predicted, point.measured});
        high = std::max({high, point.predicted, point.measured});
    }
    m_dots->setData(keys, values);
    if (high > 0) {
        m_line->setData({low / kRoom, high * kRoom}, {low / kRoom, high * kRoom});
        for (QCPAxis* axis : {m_plot->xAxis, m_plot->yAxis}) {
            axis->setRange(low / kRoom, high * kRoom);
            axis->setTicker(decadeTicks(low, high));
        }
    } else {
        m_line->data()->clear();
    }
    replot();
}

void AgreementPlot::showToolTip(const QPoint& point)
{
    for (const Point& candidate : m_points) {
        const double dx = m_plot->xAxis->coordToPixel(candidate.predicted) - point.x();
        const double dy = m_plot->yAxis->coordToPixel(candidate.measured) - point.y();
        if (std::hypot(dx, dy) > kPickDistance)
            continue;
        QToolTip::showText(m_plot->mapToGlobal(point),
                           plainToolTip(tr("%1: predicted %2, measured %3")
                                            .arg(candidate.name, percentText(candidate.predicted, 2),
                                                 percentText(candidate.measured, 2))),
                           m_plot);
        return;
    }
    QToolTip::hideText();
}

Result<void> AgreementPlot::save(const QString& path)
{
    return savePlot(*m_plot, path);
}

void AgreementPlot::replot()
{
    if (isVisible() && m_plot->width() > 0 && m_plot->height() > 0)
        m_plot->replot(QCustomPlot::rpQueuedReplot);
}

void AgreementPlot::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    replot();
}

void AgreementPlot::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange)
        applyColors();
}

void AgreementPlot::applyColors()
{
    const Colors& colors = colorsOf(palette());
    stylePlot(*m_plot, *this);
    m_line->setPen(QPen(colors.muted, 1, Qt::DashLine));
    QColor fill = colors.accent;
    fill.setAlphaF(0.55f);
    m_dots->setScatterStyle(QCPScatterStyle(QCPScatterStyle::ssCircle, QPen(colors.accent, 1), QBrush(fill), 7));
    replot();
}

} // namespace sa::ui
