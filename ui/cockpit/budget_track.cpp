// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/budget_track.h"

#include "ui/style/theme.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace sa::ui
{

namespace
{

constexpr int kSteps = 2000;
constexpr double kHandle = 9; // radius
constexpr double kGroove = 6; // height
constexpr double kHold = 5;   // pixels around a tick
constexpr int kInset = 26;    // half a label beyond the ends

} // namespace

BudgetTrack::BudgetTrack(QWidget* parent)
    : QAbstractSlider(parent)
{
    setOrientation(Qt::Horizontal);
    setRange(0, kSteps);
    setSingleStep(kSteps / 200);
    setPageStep(kSteps / 20);
    setFocusPolicy(Qt::StrongFocus);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    setAccessibleName(tr("Budget"));
    setCursor(Qt::PointingHandCursor);
    connect(this, &QAbstractSlider::valueChanged, this, [this](int value) {
        if (m_silent)
            return;
        m_bytes = m_scale.bytesAt(static_cast<double>(value) / kSteps);
        update();
        Q_EMIT bytesChanged(m_bytes);
    });
}

QSize BudgetTrack::sizeHint() const
{
    return {600, static_cast<int>(2 * kHandle) + 8 + fontMetrics().height() + 4};
}

QSize BudgetTrack::minimumSizeHint() const
{
    return {240, sizeHint().height()};
}

QRectF BudgetTrack::groove() const
{
    return {static_cast<double>(kInset), 2 + kHandle - kGroove / 2, std::max(1.0, width() - 2.0 * kInset), kGroove};
}

void BudgetTrack::setScale(const BudgetScale& scale)
{
    m_scale = scale;
    setEnabled(!scale.isEmpty());
    setBytes(m_bytes);
    update();
}

void BudgetTrack::setBytes(std::uint64_t bytes)
{
    m_bytes = bytes;
    m_silent = true;
    setValue(static_cast<int>(std::lround(m_scale.placeOf(bytes) * kSteps)));
    m_silent = false;
    update();
}

void BudgetTrack::setValueText(const QString& text)
{
    setAccessibleDescription(text);
}

QPoint BudgetTrack::pointAt(std::uint64_t bytes) const
{
    const QRectF line = groove();
    return QPointF(line.left() + m_scale.placeOf(bytes) * line.width(), line.center().y()).toPoint();
}

void BudgetTrack::moveTo(double x)
{
    const QRectF line = groove();
    std::uint64_t bytes = m_scale.bytesAt((x - line.left()) / line.width());
    for (const BudgetTick& tick : m_scale.ticks())
        if (std::abs(line.left() + m_scale.placeOf(tick.bytes) * line.width() - x) <= kHold)
            bytes = tick.bytes;
    if (bytes == m_bytes)
        return;
    setBytes(bytes);
    Q_EMIT bytesChanged(bytes);
}

void BudgetTrack::mousePressEvent(QMouseEvent* event)
{
    if (event->button() != Qt::LeftButton || m_scale.isEmpty())
        return event->ignore();
    setSliderDown(true);
    moveTo(event->position().x());
}

void BudgetTrack::mouseMoveEvent(QMouseEvent* event)
{
    if (isSliderDown())
        moveTo(event->position().x());
}

void BudgetTrack::mouseReleaseEvent(QMouseEvent* event)
{
    if (event->button() == Qt::LeftButton && isSliderDown())
        setSliderDown(false);
    update();
}

void BudgetTrack::toTick(bool up)
{
    std::uint64_t target = up ? m_scale.ceiling() : m_scale.floor();
    for (const BudgetTick& tick : m_scale.ticks())
        if (up ? tick.bytes > m_bytes && tick.bytes < target : tick.bytes < m_bytes && tick.bytes > target)
            target = tick.bytes;
    if (target == m_bytes)
        return;
    setBytes(target);
    Q_EMIT bytesChanged(target);
}

void BudgetTrack::keyPressEvent(QKeyEvent* event)
{
    if (event->key() == Qt::Key_PageUp || event->key() == Qt::Key_PageDown)
        return toTick(event->key() == Qt::Key_PageUp);
    QAbstractSlider::keyPressEvent(event);
}

bool BudgetTrack::event(QEvent* event)
{
    if (event->type() == QEvent::Enter || event->type() == QEvent::Leave) {
        m_hovered = event->type() == QEvent::Enter;
        update();
    }
    return QAbstractSlider::event(event);
}

void BudgetTrack::paintEvent(QPaintEvent* event)
{
    Q_UNUSED(event)
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const Colors& colors = colorsOf(palette());
    const QRectF line = groove();
    painter.setPen(Qt::NoPen);
    painter.setBrush(colors.border);
    painter.drawRoundedRect(line, kGroove / 2, kGroove / 2);
    if (m_scale.isEmpty())
        return;
    const double x = line.left() + m_scale.placeOf(m_bytes) * line.width();
    painter.setBrush(colors.accent);
    painter.drawRoundedRect(QRectF(line.left(), line.top(), x - line.left(), line.height()), kGroove / 2, kGroove / 2);

    const double below = line.bottom() + kHandle - kGroove / 2 + 2;
    const int text = fontMetrics().height();
    double free = -1e9; // from where on labels do not touch
    for (const BudgetTick& tick : m_scale.ticks()) {
        const double at = line.left() + m_scale.placeOf(tick.bytes) * line.width();
        painter.setPen(Qt::NoPen);
        painter.setBrush(tick.bytes <= m_bytes ? colors.onAccent : colors.muted);
        painter.drawEllipse(QPointF(at, line.center().y()), 1.6, 1.6);
        const int wide = fontMetrics().horizontalAdvance(tick.name) + 6;
        const double left = std::clamp(at - wide / 2.0, 0.0, static_cast<double>(width() - wide));
        if (left < free)
            continue;
        painter.setPen(colors.muted);
        painter.drawText(QRectF(left, below, wide, text), Qt::AlignCenter, tick.name);
        free = left + wide;
    }
    painter.setPen(QPen(hasFocus() ? colors.text : colors.surface, 2));
    painter.setBrush(isSliderDown() ? colors.accentPressed : m_hovered ? colors.accentHover : colors.accent);
    painter.drawEllipse(QPointF(x, line.center().y()), kHandle - 1, kHandle - 1);
}

} // namespace sa::ui
