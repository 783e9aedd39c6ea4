// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/plots/pareto_plot.h"

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

constexpr double kPickDistance = 12; // pixels
constexpr int kLargestUniform = 4;   // the view ends a little above; keeping everything lies far out
constexpr double kSmallestShare = 1e-6;

QCPScatterStyle dot(const QColor& line, const QColor& fill, double size,
                    QCPScatterStyle::ScatterShape shape = QCPScatterStyle::ssCircle)
{
    return QCPScatterStyle(shape, QPen(line, 1.6), QBrush(fill), size);
}

} // namespace

ParetoPlot::ParetoPlot(QWidget* parent)
    : QWidget(parent)
    , m_plot(new QCustomPlot(this))
{
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_plot);
    setAccessibleName(tr("Size against predicted damage"));
    m_plot->addLayer(QStringLiteral("moving"), m_plot->layer(QStringLiteral("main")), QCustomPlot::limAbove);
    m_moving = m_plot->layer(QStringLiteral("moving"));
    m_moving->setMode(QCPLayer::lmBuffered);
    m_uniform = m_plot->addGraph();
    m_curve = m_plot->addGraph();
    m_uniformDots = m_plot->addGraph();
    m_built = m_plot->addGraph();
    m_current = m_plot->addGraph();
    m_current->setLayer(m_moving);
    for (QCPGraph* graph : {m_uniformDots, m_built, m_current})
        graph->setLineStyle(QCPGraph::lsNone);
    m_plot->yAxis->setScaleType(QCPAxis::stLogarithmic);
    m_plot->yAxis->setTicker(QSharedPointer<QCPAxisTickerLog>(new QCPAxisTickerLog));
    m_plot->yAxis->setNumberFormat(QStringLiteral("g"));
    m_plot->yAxis->setNumberPrecision(4); // powers of ten: "10", not "1e+01"
    m_plot->xAxis->ticker()->setTickCount(5);
    m_plot->axisRect()->setMinimumMargins(QMargins(4, 8, 12, 4));
    m_plot->setMouseTracking(true);
    m_plot->setFocusPolicy(Qt::NoFocus); // the slider and the table are its way without a mouse
    connect(m_plot, &QCustomPlot::mouseMove, this, [this](QMouseEvent* event) { showToolTip(event->pos()); });
    connect(m_plot, &QCustomPlot::mousePress, this, [this](QMouseEvent* event) {
        if (event->button() == Qt::LeftButton)
            pick(event->pos());
    });
    applyColors();
}

double ParetoPlot::sizeOf(std::uint64_t bytes) const
{
    return static_cast<double>(bytes + m_data.otherBytes) / m_unit;
}

void ParetoPlot::clear()
{
    m_data = {};
    m_points.clear();
    m_hasNow = false;
    refresh();
}

void ParetoPlot::setData(const Data& tradeOff)
{
    m_data = tradeOff;
    refresh();
}

void ParetoPlot::setBuilt(const std::vector<Point>& points)
{
    m_points = points;
    refresh();
}

void ParetoPlot::setCurrent(const Point& point)
{
    m_now = point;
    m_hasNow = true;
    refreshCurrent();
}

void ParetoPlot::refresh()
{
    for (QCPItemText* name : m_names)
        m_plot->removeItem(name);
    m_names.clear();
    double largest = 0, smallest = std::numeric_limits<double>::infinity();
    for (const auto* list : {&m_data.curve, &m_data.uniforms})
        for (const Point& point : *list) {
            largest = std::max(largest, point.cost);
            if (point.cost > 0)
                smallest = std::min(smallest, point.cost);
        }
    const double total = m_data.curve.empty() ? 1 : static_cast<double>(m_data.curve.back().bytes + m_data.otherBytes);
    const std::pair<double, QString> units[] = {
        {1024.0, tr("KiB")}, {1024.0 * 1024, tr("MiB")}, {1024.0 * 1024 * 1024, tr("GiB")}};
    QString unit;
    for (const auto& [bytes, name] : units)
        if (unit.isEmpty() || total >= 2 * bytes) {
            m_unit = bytes;
            unit = name;
        }
    m_plot->xAxis->setLabel(tr("File size (%1)").arg(unit));
    m_plot->yAxis->setLabel(m_data.costName);
    const auto fill = [this](QCPGraph* graph, const std::vector<Point>& points) {
        QVector<double> keys, values;
        for (const Point& point : points)
            if (point.cost > 0) {
                keys += sizeOf(point.bytes);
                values += point.cost;
            }
        graph->setData(keys, values, true);
    };
    fill(m_curve, m_data.curve);
    fill(m_uniformDots, m_data.uniforms);
    fill(m_built, m_points);

    // Straight lines between uniform plans are curves on a logarithmic axis.
    QVector<double> keys, values;
    for (std::size_t i = 0; i + 1 < m_data.uniforms.size(); ++i)
        for (int step = 0; step <= 32; ++step) {
            const double share = step / 32.0;
            const double cost =
                m_data.uniforms[i].cost + (m_data.uniforms[i + 1].cost - m_data.uniforms[i].cost) * share;
            if (cost <= 0)
                continue;
            keys += sizeOf(m_data.uniforms[i].bytes) +
                    (sizeOf(m_data.uniforms[i + 1].bytes) - sizeOf(m_data.uniforms[i].bytes)) * share;
            values += cost;
        }
    m_uniform->setData(keys, values, true);

    if (!m_data.curve.empty() && largest > 0) {
        double right = sizeOf(m_data.curve.back().bytes);
        double bottom = smallest;
        if (m_data.uniforms.size() >= kLargestUniform) {
            const Point& last = m_data.uniforms[kLargestUniform - 1];
            const double width = sizeOf(last.bytes) - sizeOf(m_data.curve.front().bytes);
            right = std::min(right, sizeOf(last.bytes) + 0.12 * width);
            if (last.cost > 0)
                bottom = last.cost / 3;
        }
        const double left = sizeOf(m_data.curve.front().bytes);
        const double room = std::max(kSmallestShare, (right - left) * 0.04);
        m_plot->xAxis->setRange(left - room, right + room);
        m_plot->yAxis->setRange(bottom, largest * 5); // room for the name of the highest point
    }
    for (const Point& point : m_data.uniforms) {
        if (point.cost <= 0 || point.name.isEmpty() || !m_plot->xAxis->range().contains(sizeOf(point.bytes)))
            continue; // one that the demands leave no room for stands outside
        auto* text = new QCPItemText(m_plot);
        text->setText(point.name);
        text->setPositionAlignment(Qt::AlignLeft | Qt::AlignBottom);
        text->position->setCoords(sizeOf(point.bytes), point.cost);
        text->setPadding(QMargins(7, 0, 0, 4));
        m_names.push_back(text);
    }
    applyColors();
    refreshCurrent();
}

void ParetoPlot::refreshCurrent()
{
    if (!m_hasNow || m_now.cost <= 0)
        m_current->data()->clear();
    else
        m_current->setData({sizeOf(m_now.bytes)}, {m_now.cost}, true);
    setAccessibleDescription(m_hasNow
                                 ? tr("Now: %1, predicted damage %2")
                                       .arg(bytesText(m_now.bytes + m_data.otherBytes), significantText(m_now.cost, 3))
                                 : QString());
    if (!isVisible() || m_plot->width() <= 0)
        return;
    m_moving->replot();
}

/// A hidden plot has no size to paint on; it is drawn when it appears.
void ParetoPlot::replot()
{
    if (isVisible() && m_plot->width() > 0 && m_plot->height() > 0)
        m_plot->replot(QCustomPlot::rpQueuedReplot);
}

void ParetoPlot::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    replot();
}

void ParetoPlot::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    replot();
}

void ParetoPlot::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange)
        applyColors();
}

void ParetoPlot::applyColors()
{
    const Colors& colors = colorsOf(palette());
    stylePlot(*m_plot, *this);
    m_curve->setPen(QPen(colors.accent, 2));
    m_uniform->setPen(QPen(colors.muted, 1, Qt::DashLine));
    m_uniformDots->setScatterStyle(dot(colors.muted, colors.surface, 7));
    m_built->setScatterStyle(dot(colors.success, colors.success, 9, QCPScatterStyle::ssDiamond));
    m_current->setScatterStyle(dot(colors.surface, colors.accent, 13));
    QFont small = font();
    small.setPointSizeF(small.pointSizeF() * 0.9);
    for (QCPItemText* name : m_names) {
        name->setColor(colors.muted);
        name->setFont(small);
    }
    replot();
}

const ParetoPlot::Point* ParetoPlot::nearest(const QPoint& point) const
{
    const Point* best = nullptr;
    double distance = kPickDistance;
    for (const auto* list : {&m_points, &m_data.uniforms, &m_data.curve})
        for (const Point& candidate : *list) {
            if (candidate.cost <= 0)
                continue;
            const double dx = m_plot->xAxis->coordToPixel(sizeOf(candidate.bytes)) - point.x();
            const double dy = m_plot->yAxis->coordToPixel(candidate.cost) - point.y();
            if (std::hypot(dx, dy) < distance) {
                distance = std::hypot(dx, dy);
                best = &candidate;
            }
        }
    return best;
}

void ParetoPlot::pick(const QPoint& point)
{
    if (m_data.curve.empty() || !m_plot->axisRect()->rect().contains(point))
        return;
    if (const Point* hit = nearest(point))
        return Q_EMIT budgetPicked(hit->bytes);
    const double bytes = m_plot->xAxis->pixelToCoord(point.x()) * m_unit - static_cast<double>(m_data.otherBytes);
    if (bytes > 0)
        Q_EMIT budgetPicked(static_cast<quint64>(bytes));
}

void ParetoPlot::showToolTip(const QPoint& point)
{
    const Point* hit = nearest(point);
    if (!hit) {
        QToolTip::hideText();
        return;
    }
    const QString text = tr("%1%2, predicted damage %3. Click to take this budget; lower is better.")
                             .arg(hit->name.isEmpty() ? QString() : hit->name + QStringLiteral(": "),
                                  bytesText(hit->bytes + m_data.otherBytes), significantText(hit->cost, 3));
    QToolTip::showText(m_plot->mapToGlobal(point), plainToolTip(text), m_plot);
}

Result<void> ParetoPlot::save(const QString& path)
{
    return savePlot(*m_plot, path);
}

} // namespace sa::ui
