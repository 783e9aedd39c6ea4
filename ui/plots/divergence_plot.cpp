// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/plots/divergence_plot.h"

#include "ui/plots/plot_style.h"
#include "ui/style/theme.h"

#include <QMouseEvent>
#include <QVBoxLayout>

#include <qcustomplot.h>

#include <algorithm>
#include <cmath>

namespace sa::ui
{

namespace
{

constexpr double kHeadroom = 1.08;
constexpr double kSmallestRange = 0.01; // nats; keeps the axis sane while models agree

} // namespace

DivergencePlot::DivergencePlot(QWidget* parent)
    : QWidget(parent)
    , m_plot(new QCustomPlot(this))
{
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_plot);
    setAccessibleName(tr("Divergence of each token"));
    m_bars = new QCPBars(m_plot->xAxis, m_plot->yAxis);
    m_marked = new QCPBars(m_plot->xAxis, m_plot->yAxis);
    m_pointed = new QCPBars(m_plot->xAxis, m_plot->yAxis);
    for (QCPBars* bars : {m_bars, m_marked, m_pointed}) {
        bars->setWidth(0.8);
        bars->setPen(Qt::NoPen);
        bars->setAntialiasedFill(false);
    }
    for (QCPAxis* axis : {m_plot->xAxis, m_plot->yAxis}) {
        axis->setSubTicks(false);
        axis->setTickLength(0);
        axis->setTickLabelPadding(6);
    }
    m_plot->yAxis->ticker()->setTickCount(3);
    m_plot->xAxis->ticker()->setTickCount(10);
    m_plot->xAxis->grid()->setVisible(false);
    m_plot->axisRect()->setMinimumMargins(QMargins(4, 6, 8, 4));
    m_plot->setMouseTracking(true);
    m_plot->installEventFilter(this);
    connect(m_plot, &QCustomPlot::mouseMove, this, [this](QMouseEvent* event) {
        const int token = static_cast<int>(std::lround(m_plot->xAxis->pixelToCoord(event->pos().x()))) - 1;
        const bool inside = m_plot->axisRect()->rect().contains(event->pos());
        Q_EMIT pointed(inside && token >= 0 && token < static_cast<int>(m_values.size()) ? token : -1);
    });
    applyColors();
}

void DivergencePlot::setValues(const std::vector<double>& values, int expected)
{
    m_values = values;
    m_expected = expected;
    refresh();
}

void DivergencePlot::highlight(int token)
{
    if (token == m_highlighted)
        return;
    m_highlighted = token;
    refresh();
}

void DivergencePlot::setMark(int token)
{
    m_mark = token;
    refresh();
}

/// Tokens are counted from 1, as people do.
void DivergencePlot::refresh()
{
    QVector<double> keys, values;
    double largest = kSmallestRange;
    for (std::size_t i = 0; i < m_values.size(); ++i) {
        if (!std::isfinite(m_values[i]))
            continue;
        keys += static_cast<double>(i + 1);
        values += m_values[i];
        largest = std::max(largest, m_values[i]);
    }
    m_bars->setData(keys, values, true);
    const auto only = [this](QCPBars* bars, int token) {
        const bool known = token >= 0 && token < static_cast<int>(m_values.size()) &&
                           std::isfinite(m_values[static_cast<std::size_t>(token)]);
        bars->setData(known ? QVector<double>{token + 1.0} : QVector<double>{},
                      known ? QVector<double>{m_values[static_cast<std::size_t>(token)]} : QVector<double>{}, true);
    };
    only(m_marked, m_mark);
    only(m_pointed, m_highlighted);
    m_plot->xAxis->setRange(
        0.3, std::max<double>(10, std::max<double>(m_expected, static_cast<double>(m_values.size()))) + 0.7);
    m_plot->yAxis->setRange(0, largest * kHeadroom);
    replot();
}

void DivergencePlot::replot()
{
    if (isVisible() && m_plot->width() > 0 && m_plot->height() > 0)
        m_plot->replot(QCustomPlot::rpQueuedReplot);
}

void DivergencePlot::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    replot();
}

void DivergencePlot::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange)
        applyColors();
}

bool DivergencePlot::eventFilter(QObject* watched, QEvent* event)
{
    if (watched == m_plot && event->type() == QEvent::Leave)
        Q_EMIT pointed(-1);
    return QWidget::eventFilter(watched, event);
}

void DivergencePlot::applyColors()
{
    const Colors& colors = colorsOf(palette());
    stylePlot(*m_plot, *this);
    m_plot->yAxis->setBasePen(Qt::NoPen);
    m_bars->setBrush(colors.accent);
    m_marked->setBrush(colors.warning);
    m_pointed->setBrush(colors.text);
    replot();
}

} // namespace sa::ui
