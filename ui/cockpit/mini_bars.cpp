// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/mini_bars.h"

#include "ui/style/theme.h"

#include <QPainter>

#include <algorithm>
#include <cmath>

namespace sa::ui
{

MiniBars::MiniBars(const QString& name, const QString& meaning, QWidget* parent)
    : QWidget(parent)
    , m_name(name)
{
    setAccessibleName(name);
    setToolTip(meaning);
}

void MiniBars::setBars(std::vector<double> heights, const QStringList& labels, const QString& remark)
{
    m_heights = std::move(heights);
    m_labels = labels;
    m_remark = remark;
    setAccessibleDescription(remark);
    update();
}

QSize MiniBars::sizeHint() const
{
    return {170, 4 * fontMetrics().height() + 20};
}

QSize MiniBars::minimumSizeHint() const
{
    return {110, 3 * fontMetrics().height() + 14};
}

void MiniBars::paintEvent(QPaintEvent* event)
{
    Q_UNUSED(event)
    QPainter painter(this);
    const Colors& colors = colorsOf(palette());
    const int line = fontMetrics().height() + 2;
    painter.setPen(colors.text);
    painter.drawText(QRect(0, 0, width(), line), Qt::AlignLeft | Qt::AlignVCenter, m_name);
    const int nameWidth = fontMetrics().horizontalAdvance(m_name) + 10;
    painter.setPen(colors.muted);
    painter.drawText(QRect(nameWidth, 0, width() - nameWidth, line), Qt::AlignRight | Qt::AlignVCenter,
                     fontMetrics().elidedText(m_remark, Qt::ElideRight, width() - nameWidth));
    const QRect area(0, line + 3, width(), height() - 2 * line - 5);
    if (m_heights.empty() || area.height() < 4) {
        painter.drawText(area, Qt::AlignCenter, tr("not measured"));
        return;
    }
    const double highest = *std::max_element(m_heights.begin(), m_heights.end());
    const double step = static_cast<double>(area.width()) / static_cast<double>(m_heights.size());
    const int space = step >= 6 ? 2 : step >= 3 ? 1 : 0;
    for (std::size_t i = 0; i < m_heights.size(); ++i) {
        const int left = static_cast<int>(std::floor(static_cast<double>(i) * step));
        const int right = static_cast<int>(std::floor(static_cast<double>(i + 1) * step)) - space;
        const int high = highest > 0 && m_heights[i] > 0
                             ? std::max(1, static_cast<int>(std::lround(m_heights[i] / highest * area.height())))
                             : 0;
        painter.fillRect(QRect(left, area.bottom() + 1 - high, std::max(1, right - left), high), colors.accent);
    }
    painter.setPen(colors.border);
    painter.drawLine(area.left(), area.bottom() + 1, area.right(), area.bottom() + 1);
    painter.setPen(colors.muted);
    const QRect below(0, height() - line, width(), line);
    if (m_labels.size() == static_cast<qsizetype>(m_heights.size())) {
        for (qsizetype i = 0; i < m_labels.size(); ++i)
            painter.drawText(QRectF(static_cast<double>(i) * step - 6, below.top(), step + 12, line), Qt::AlignCenter,
                             m_labels[i]);
    } else if (!m_labels.isEmpty()) {
        painter.drawText(below, Qt::AlignLeft | Qt::AlignVCenter, m_labels.first());
        painter.drawText(below, Qt::AlignRight | Qt::AlignVCenter, m_labels.last());
    }
}

} // namespace sa::ui
