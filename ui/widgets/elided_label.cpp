// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/elided_label.h"

#include "ui/style/theme.h"
#include "ui/text.h"

#include <QPainter>

#include <algorithm>

namespace sa::ui
{

ElidedLabel::ElidedLabel(Qt::TextElideMode mode, QWidget* parent)
    : QFrame(parent)
    , m_mode(mode)
{
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
}

void ElidedLabel::setText(const QString& text)
{
    if (m_text == text)
        return;
    m_text = text;
    m_shown = shown(text, 4096);
    setToolTip(text.isEmpty() ? QString() : plainToolTip(m_shown));
    setAccessibleName(m_shown);
    updateGeometry();
    update();
}

void ElidedLabel::setMuted(bool muted)
{
    m_muted = muted;
    update();
}

QSize ElidedLabel::sizeHint() const
{
    return {fontMetrics().horizontalAdvance(m_shown) + 2, fontMetrics().height()};
}

QSize ElidedLabel::minimumSizeHint() const
{
    return {std::min(fontMetrics().averageCharWidth() * 8, sizeHint().width()), fontMetrics().height()};
}

void ElidedLabel::paintEvent(QPaintEvent* event)
{
    Q_UNUSED(event)
    QPainter painter(this);
    const Colors& colors = colorsOf(palette());
    painter.setPen(!isEnabled() ? colors.disabled : m_muted ? colors.muted : colors.text);
    const QString line = fontMetrics().elidedText(m_shown, m_mode, width());
    painter.drawText(rect(), Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine, line);
}

} // namespace sa::ui
