// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/measure/memory_bars.h"

#include "ui/style/theme.h"
#include "ui/text.h"
#include "ui/widgets/parts.h"

#include <QHelpEvent>
#include <QPainter>
#include <QToolTip>

#include <algorithm>

namespace sa::ui
{

namespace
{

constexpr int kBarHeight = 18;
constexpr int kDot = 9;

std::array<QString, 3> partNames()
{
    return {MemoryBars::tr("Weights"), MemoryBars::tr("KV cache"), MemoryBars::tr("Scratch")};
}

std::array<QColor, 3> partColors(const QPalette& palette)
{
    const Colors& colors = colorsOf(palette);
    return {colors.accent, colors.success, colors.borderStrong};
}

std::array<std::uint64_t, 3> partBytes(const MemoryBars::Bar& bar)
{
    return {bar.weights, bar.cache, bar.scratch};
}

QString partsText(const MemoryBars::Bar& bar)
{
    QStringList texts;
    const auto names = partNames();
    const auto bytes = partBytes(bar);
    for (std::size_t part = 0; part < names.size(); ++part)
        texts += QStringLiteral("%1 %2").arg(names[part], bytesText(bytes[part]));
    return QStringLiteral("%1: %2").arg(bar.name, texts.join(QStringLiteral(", ")));
}

} // namespace

MemoryBars::MemoryBars(QWidget* parent)
    : QWidget(parent)
{
    setAccessibleName(tr("Memory of each model"));
}

void MemoryBars::setBars(const std::vector<Bar>& bars)
{
    m_bars = bars;
    QStringList texts;
    for (const Bar& bar : m_bars)
        texts += partsText(bar);
    setAccessibleDescription(texts.join(QStringLiteral("; ")));
    updateGeometry();
    update();
}

int MemoryBars::rowHeight() const
{
    return 2 * fontMetrics().height() + kBarHeight + space::kTight + space::kMedium;
}

QSize MemoryBars::minimumSizeHint() const
{
    return {220, static_cast<int>(m_bars.size()) * rowHeight() + fontMetrics().height() + space::kSmall};
}

QRectF MemoryBars::barRect(std::size_t index) const
{
    return {0.0, static_cast<double>(static_cast<int>(index) * rowHeight() + fontMetrics().height() + space::kTight),
            static_cast<double>(width()), static_cast<double>(kBarHeight)};
}

std::array<QRectF, 3> MemoryBars::partsOf(std::size_t index) const
{
    std::uint64_t most = 1;
    for (const Bar& bar : m_bars)
        most = std::max(most, bar.total());
    const QRectF whole = barRect(index);
    std::array<QRectF, 3> parts;
    double x = whole.left();
    const auto bytes = partBytes(m_bars[index]);
    for (std::size_t part = 0; part < parts.size(); ++part) {
        const double wide = whole.width() * static_cast<double>(bytes[part]) / static_cast<double>(most);
        parts[part] = QRectF(x, whole.top(), wide, whole.height());
        x += wide;
    }
    return parts;
}

void MemoryBars::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const Colors& colors = colorsOf(palette());
    const auto tones = partColors(palette());
    const int line = fontMetrics().height();
    for (std::size_t i = 0; i < m_bars.size(); ++i) {
        const int top = static_cast<int>(i) * rowHeight();
        const QString total = bytesText(m_bars[i].total());
        const int totalWidth = fontMetrics().horizontalAdvance(total);
        painter.setPen(colors.text);
        painter.drawText(
            QRect(0, top, width() - totalWidth - space::kSmall, line), Qt::AlignLeft | Qt::AlignVCenter,
            fontMetrics().elidedText(m_bars[i].name, Qt::ElideMiddle, width() - totalWidth - space::kSmall));
        painter.drawText(QRect(0, top, width(), line), Qt::AlignRight | Qt::AlignVCenter, total);
        painter.setPen(Qt::NoPen);
        painter.setBrush(colors.hover);
        painter.drawRoundedRect(barRect(i), 3, 3);
        const auto parts = partsOf(i);
        for (std::size_t part = 0; part < parts.size(); ++part)
            painter.fillRect(parts[part], tones[part]);
        painter.setPen(colors.muted);
        QStringList figures;
        for (const std::uint64_t bytes : partBytes(m_bars[i]))
            figures += bytesText(bytes);
        painter.drawText(QRect(0, top + line + space::kTight + kBarHeight, width(), line),
                         Qt::AlignLeft | Qt::AlignVCenter, figures.join(QStringLiteral("  +  ")));
    }
    int x = 0;
    const int y = static_cast<int>(m_bars.size()) * rowHeight();
    const auto names = partNames();
    for (std::size_t part = 0; part < names.size(); ++part) {
        painter.setPen(Qt::NoPen);
        painter.setBrush(tones[part]);
        painter.drawRoundedRect(QRectF(x, y + (line - kDot) / 2.0, kDot, kDot), 2, 2);
        painter.setPen(colors.text);
        x += kDot + space::kTight + 1;
        const int wide = fontMetrics().horizontalAdvance(names[part]);
        painter.drawText(QRect(x, y, wide + 2, line), Qt::AlignLeft | Qt::AlignVCenter, names[part]);
        x += wide + space::kLarge;
    }
}

bool MemoryBars::event(QEvent* event)
{
    if (event->type() != QEvent::ToolTip)
        return QWidget::event(event);
    const auto* help = static_cast<QHelpEvent*>(event);
    for (std::size_t i = 0; i < m_bars.size(); ++i)
        if (barRect(i).contains(help->pos())) {
            QToolTip::showText(help->globalPos(), plainToolTip(partsText(m_bars[i])), this);
            return true;
        }
    QToolTip::hideText();
    return true;
}

} // namespace sa::ui
