// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/heatmap_legend.h"

#include "ui/cockpit/color_map.h"
#include "ui/cockpit/heatmap_view.h"

#include <QPainter>

namespace sa::ui
{

namespace
{

constexpr int kSwatch = 14;
constexpr int kBarWidth = 140;
constexpr int kSpace = 14;

} // namespace

HeatmapLegend::HeatmapLegend(const HeatmapView& heatmap, QWidget* parent)
    : QWidget(parent)
    , m_heatmap(heatmap)
{
    setAccessibleName(tr("Legend of the heatmap"));
    connect(&heatmap, &HeatmapView::viewChanged, this, &HeatmapLegend::refresh);
    refresh();
}

/// Nothing is painted again unless something is to be seen: the slider moves many times a second.
void HeatmapLegend::refresh()
{
    unsigned marks = 0;
    bool failed = false;
    const auto count = static_cast<int>(m_heatmap.document().sensitivity().linears.size());
    for (int i = 0; i < count; ++i) {
        marks |= m_heatmap.lookOf(i).marks;
        failed = failed || m_heatmap.lookOf(i).text == QLatin1String("×");
    }
    const bool same = marks == m_marks && failed == m_failed && m_hatched == m_heatmap.hasEstimates() &&
                      m_heatmap.view().quantity == Quantity::Bits;
    m_marks = marks;
    m_failed = failed;
    m_hatched = m_heatmap.hasEstimates();
    setToolTip(viewMeaning(m_heatmap.view()));
    if (!same)
        update();
}

QSize HeatmapLegend::sizeHint() const
{
    return {400, fontMetrics().height() + 6};
}

QSize HeatmapLegend::minimumSizeHint() const
{
    return {100, fontMetrics().height() + 6};
}

void HeatmapLegend::paintEvent(QPaintEvent* event)
{
    Q_UNUSED(event)
    if (m_heatmap.document().isEmpty())
        return;
    QPainter painter(this);
    const int x = m_heatmap.view().quantity == Quantity::Bits ? paintBits(painter, 0) : paintBar(painter, 0);
    paintMarks(painter, x + kSpace);
}

int HeatmapLegend::paintBits(QPainter& painter, int x) const
{
    const Colors& colors = colorsOf(palette());
    const FigureScale scale(Quantity::Bits, {});
    const int y = (height() - kSwatch) / 2;
    for (const int bits : {1, 2, 3, 4, kKeptBits}) {
        painter.fillRect(QRect(x, y, kSwatch, kSwatch), mapColor(scale.at(bits), isDark(palette())));
        if (mapColor(scale.at(bits), isDark(palette())).lightness() > 200 || isDark(palette())) {
            painter.setPen(colors.borderStrong);
            painter.drawRect(QRect(x, y, kSwatch - 1, kSwatch - 1));
        }
        const QString text = bits == kKeptBits ? tr("kept") : bits == 1 ? tr("1 bit") : QString::number(bits);
        const int wide = fontMetrics().horizontalAdvance(text);
        painter.setPen(colors.muted);
        painter.drawText(QRect(x + kSwatch + 5, 0, wide + 2, height()), Qt::AlignVCenter, text);
        x += kSwatch + 5 + wide + 10;
    }
    return x - 10;
}

int HeatmapLegend::paintBar(QPainter& painter, int x) const
{
    const Colors& colors = colorsOf(palette());
    const FigureScale& scale = m_heatmap.scale();
    if (scale.isEmpty())
        return x;
    const View& view = m_heatmap.view();
    const auto label = [&](double value) {
        CellFigure figure;
        figure.value = value;
        const QString text = cellText(figure, view);
        const int wide = fontMetrics().horizontalAdvance(text);
        painter.setPen(colors.muted);
        painter.drawText(QRect(x, 0, wide + 2, height()), Qt::AlignVCenter, text);
        x += wide + 8;
    };
    label(scale.low());
    const int y = (height() - kSwatch) / 2;
    for (int i = 0; i < kBarWidth; ++i)
        painter.fillRect(QRect(x + i, y, 1, kSwatch), mapColor(i / (kBarWidth - 1.0), isDark(palette())));
    x += kBarWidth + 8;
    label(scale.high());
    return x - 8;
}

void HeatmapLegend::paintMarks(QPainter& painter, int x) const
{
    const Colors& colors = colorsOf(palette());
    CellPainter cells;
    cells.prepare(font(), colors, devicePixelRatioF());
    const int y = (height() - kSwatch) / 2;
    const auto entry = [&](const QString& text, auto&& draw) {
        const int wide = fontMetrics().horizontalAdvance(text);
        if (x + kSwatch + 5 + wide > width())
            return; // the tool tips of the cells say it too
        draw(QRect(x, y, kSwatch, kSwatch));
        painter.setPen(colors.muted);
        painter.drawText(QRect(x + kSwatch + 5, 0, wide + 2, height()), Qt::AlignVCenter, text);
        x += kSwatch + 5 + wide + kSpace;
    };
    const QColor soft = mixed(colors.surface, colors.muted, 0.25);
    if (m_hatched)
        entry(tr("estimate"), [&](const QRect& rect) {
            CellLook look;
            look.fill = soft.rgb();
            look.ink = inkOn(soft).rgb();
            look.hatched = true;
            cells.paint(painter, rect, look);
        });
    const std::pair<unsigned, QString> marks[] = {{CellLook::Pinned, tr("pinned")},
                                                  {CellLook::Ranged, tr("limited")},
                                                  {CellLook::Excluded, tr("excluded")},
                                                  {CellLook::Linked, tr("linked")},
                                                  {CellLook::Stale, tr("other settings")}};
    for (const auto& [mark, text] : marks)
        if (m_marks & mark)
            entry(text, [&, mark = mark](const QRect& rect) {
                painter.fillRect(rect, soft);
                CellPainter::paintMark(painter, rect, mark, inkOn(soft));
            });
    if (m_failed)
        entry(tr("failed"), [&](const QRect& rect) {
            painter.fillRect(rect, colors.dangerSoft);
            painter.setPen(colors.danger);
            painter.drawText(rect, Qt::AlignCenter, QStringLiteral("×"));
        });
}

} // namespace sa::ui
