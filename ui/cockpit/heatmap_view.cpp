// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/heatmap_view.h"

#include "ui/cockpit/color_map.h"
#include "ui/cockpit/heatmap_accessible.h"
#include "ui/text.h"

#include <QHelpEvent>
#include <QScrollBar>
#include <QToolTip>

#include <algorithm>
#include <cmath>

namespace sa::ui
{

namespace
{

constexpr int kLargestCell = 54; // high
constexpr int kSmallestCell = 13;
constexpr double kMaxZoom = 24;
constexpr std::size_t kFewCells = 24; // more are one rectangle to repaint

} // namespace

HeatmapView::HeatmapView(AllocationDocument& document, CellSelection& selection, QWidget* parent)
    : QAbstractScrollArea(parent)
    , m_document(document)
    , m_selection(selection)
{
    installHeatmapAccessibility();
    setFrameShape(QFrame::NoFrame);
    setFocusPolicy(Qt::StrongFocus);
    setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setAccessibleName(tr("Heatmap of blocks and projections"));
    viewport()->setMouseTracking(true);
    viewport()->setAttribute(Qt::WA_OpaquePaintEvent);
    connect(&document, &AllocationDocument::reset, this, [this] {
        rebuild();
        resetHeatmapAccessibility(this);
    });
    connect(&document, &AllocationDocument::figuresChanged, this, &HeatmapView::refreshLooks);
    connect(&document, &AllocationDocument::inputsChanged, this, [this] {
        if (!m_document.isDragging()) // demands; a budget alone changes nothing before its plan is there
            refreshLooks();
    });
    connect(&document, &AllocationDocument::allocationChanged, this, [this] {
        refreshLooks();
        viewport()->update(m_geometry.bars);
    });
    connect(&selection, &CellSelection::changed, this, [this] {
        viewport()->update();
        announceHeatmapFocus(this);
    });
    rebuild();
}

void HeatmapView::rebuild()
{
    m_grid = CellGrid(m_document.sensitivity());
    m_selection.clear();
    m_anchor = {};
    m_zoom = 1;
    m_looks.assign(m_document.sensitivity().linears.size(), {});
    relayout();
    refreshLooks();
    invalidate();
}

void HeatmapView::setView(const View& view)
{
    if (view == m_view)
        return;
    m_view = view;
    refreshLooks();
    invalidate();
}

CellLook HeatmapView::lookFor(int linear, const CellFigure& figure, const FigureScale& scale) const
{
    const Colors& colors = colorsOf(palette());
    const bool dark = isDark(palette());
    CellLook look;
    const LinearRule& rule = m_document.ruleOf(linear);
    if (rule.excluded)
        look.marks |= CellLook::Excluded;
    else if (rule.pin)
        look.marks |= CellLook::Pinned;
    else if (rule.low || rule.high)
        look.marks |= CellLook::Ranged;
    if (m_document.isLinked(linear))
        look.marks |= CellLook::Linked;
    if (figure.provenance == Provenance::Failed) {
        look.fill = colors.dangerSoft.rgb();
        look.ink = colors.danger.rgb();
        look.text = QStringLiteral("×");
        return look;
    }
    if (!std::isfinite(figure.value)) {
        look.outlined = true;
        look.ink = colors.muted.rgb();
        return look;
    }
    QColor fill = mapColor(scale.at(figure.value), dark);
    if (figure.provenance == Provenance::Stale) {
        fill = mixed(fill, colors.surface, 0.5);
        look.marks |= CellLook::Stale;
    }
    look.fill = fill.rgb();
    look.ink = inkOn(fill).rgb();
    look.hatched = figure.provenance == Provenance::Estimated;
    look.text = cellText(figure, m_view);
    return look;
}

void HeatmapView::refreshLooks()
{
    const std::size_t count = m_looks.size();
    std::vector<CellFigure> figures(count);
    std::vector<double> values, standIns; // two scales: scores and criteria do not compare
    for (std::size_t i = 0; i < count; ++i) {
        figures[i] = cellFigure(m_document, static_cast<int>(i), m_view);
        (figures[i].byWeightScore ? standIns : values).push_back(figures[i].value);
    }
    const FigureScale scale(m_view.quantity, values);
    const FigureScale standInScale(m_view.quantity, standIns);
    m_byWeightScore = scale.isEmpty() && !standInScale.isEmpty();
    m_scale = m_byWeightScore ? standInScale : scale;
    m_hasEstimates = false;
    QString longest;
    for (std::size_t i = 0; i < count; ++i) {
        CellLook look = lookFor(static_cast<int>(i), figures[i], figures[i].byWeightScore ? standInScale : scale);
        m_hasEstimates = m_hasEstimates || look.hatched;
        if (look.text.size() > longest.size())
            longest = look.text;
        if (look == m_looks[i])
            continue;
        m_looks[i] = std::move(look);
        m_dirty.push_back(static_cast<int>(i));
    }
    // Digits of a sample of the same length: the size of the text must not jump with every step of the slider.
    const QSize cell(static_cast<int>(m_geometry.cellWidth) - m_geometry.gap(), m_geometry.cellHeight);
    if (m_painter.fitText(cell, m_view.quantity == Quantity::Bits ? QStringLiteral("4") : longest))
        m_cacheValid = false;
    if (m_dirty.size() > kFewCells || !m_cacheValid) {
        viewport()->update(m_geometry.cells);
    } else {
        for (const int linear : m_dirty)
            viewport()->update(m_geometry.cellRect(m_grid.placeOf(linear)));
    }
    Q_EMIT viewChanged();
}

void HeatmapView::invalidate()
{
    m_cacheValid = false;
    viewport()->update();
}

void HeatmapView::relayout()
{
    const QFontMetrics metrics(font());
    int labels = metrics.horizontalAdvance(tr("Mean bits"));
    for (int row = 0; row < m_grid.rows(); ++row)
        labels = std::max(labels, metrics.horizontalAdvance(m_grid.rowName(row)));
    labels = std::min(labels + 12, viewport()->width() / 3);
    const int header = metrics.height() + 6;
    const int width = std::max(1, viewport()->width() - labels - 2);
    m_geometry.rows = m_grid.rows();
    m_geometry.columns = m_grid.columns();
    const int columns = std::max(1, m_grid.columns());
    m_geometry.cellWidth = std::max(1.0, static_cast<double>(width) / columns) * m_zoom;
    const int rows = std::max(1, m_grid.rows());
    const int bars = std::clamp(viewport()->height() / 6, 48, 84);
    const int room = viewport()->height() - header - bars - 12;
    m_geometry.cellHeight = std::clamp(room / rows, kSmallestCell, kLargestCell);
    m_geometry.cells = QRect(labels, header, width, m_geometry.cellHeight * m_grid.rows());
    m_geometry.bars = QRect(labels, m_geometry.cells.bottom() + 12, width,
                            std::clamp(viewport()->height() - m_geometry.cells.bottom() - 13, 48, 110));
    const int hidden = std::max(0, m_geometry.contentWidth() - width);
    horizontalScrollBar()->setPageStep(width);
    horizontalScrollBar()->setSingleStep(std::max(1, static_cast<int>(m_geometry.cellWidth)));
    horizontalScrollBar()->setRange(0, m_zoom > 1 ? hidden : 0);
    m_geometry.offset = horizontalScrollBar()->value();
    m_painter.prepare(font(), colorsOf(palette()), devicePixelRatioF());
}

void HeatmapView::setZoom(double zoom)
{
    const double middle = m_geometry.offset + m_geometry.cells.width() / 2.0;
    const double before = m_geometry.cellWidth;
    m_zoom = std::clamp(zoom, 1.0, kMaxZoom);
    relayout();
    horizontalScrollBar()->setValue(
        static_cast<int>(middle * m_geometry.cellWidth / before - m_geometry.cells.width() / 2.0));
    refreshLooks();
    invalidate();
}

QRect HeatmapView::cellRect(CellPlace place) const
{
    if (m_grid.linearAt(place) < 0)
        return {};
    return m_geometry.cellRect(place) & m_geometry.cells;
}

bool HeatmapView::viewportEvent(QEvent* event)
{
    if (event->type() != QEvent::ToolTip)
        return QAbstractScrollArea::viewportEvent(event);
    const auto* help = static_cast<QHelpEvent*>(event);
    const CellPlace place{m_geometry.rowAt(help->pos().y()), m_geometry.columnAt(help->pos().x())};
    const int linear = m_geometry.cells.contains(help->pos()) ? m_grid.linearAt(place) : -1;
    if (linear < 0)
        QToolTip::hideText();
    else
        QToolTip::showText(help->globalPos(),
                           plainToolTip(describeCell(m_document, linear, m_view)).replace(u'\n', QLatin1String("<br>")),
                           viewport(), m_geometry.cellRect(place));
    return true;
}

void HeatmapView::resizeEvent(QResizeEvent* event)
{
    QAbstractScrollArea::resizeEvent(event);
    relayout();
    refreshLooks();
    invalidate();
}

void HeatmapView::changeEvent(QEvent* event)
{
    QAbstractScrollArea::changeEvent(event);
    if (event->type() != QEvent::PaletteChange && event->type() != QEvent::FontChange &&
        event->type() != QEvent::StyleChange)
        return;
    relayout();
    refreshLooks();
    invalidate();
}

void HeatmapView::scrollContentsBy(int dx, int dy)
{
    Q_UNUSED(dx)
    Q_UNUSED(dy)
    m_geometry.offset = horizontalScrollBar()->value();
    invalidate();
}

} // namespace sa::ui
