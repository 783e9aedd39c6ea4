// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/step_strip.h"

#include "ui/style/icons.h"
#include "ui/style/theme.h"

#include <QPainter>

namespace sa::ui
{

namespace
{

constexpr int kDot = 20;
constexpr int kGap = 8;
constexpr int kLink = 28;

} // namespace

StepStrip::StepStrip(QWidget* parent)
    : QWidget(parent)
{
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
}

void StepStrip::setSteps(const QStringList& steps)
{
    m_steps = steps;
    updateGeometry();
    update();
}

void StepStrip::setCurrent(int index)
{
    m_current = index;
    setAccessibleName(index < m_steps.size()
                          ? tr("Step %1 of %2: %3")
                                .arg(QString::number(index + 1), QString::number(m_steps.size()), m_steps.value(index))
                          : tr("All steps are done"));
    update();
}

QSize StepStrip::sizeHint() const
{
    int width = 0;
    QFont bold = font();
    bold.setWeight(QFont::DemiBold);
    for (const QString& step : m_steps)
        width += kDot + kGap + QFontMetrics(bold).horizontalAdvance(step) + 2 * kGap + kLink;
    return {std::max(0, width - 2 * kGap - kLink) + 4, kDot + 4};
}

double StepStrip::paintedWidth() const
{
    double x = 0;
    for (int i = 0; i < m_steps.size(); ++i) {
        QFont label = font();
        label.setWeight(i == m_current ? QFont::DemiBold : QFont::Normal);
        x += kDot + kGap + QFontMetricsF(label).horizontalAdvance(m_steps[i]);
        if (i + 1 < m_steps.size())
            x += 2 * kGap + kLink;
    }
    return x;
}

QSize StepStrip::minimumSizeHint() const
{
    return sizeHint();
}

void StepStrip::paintEvent(QPaintEvent* event)
{
    Q_UNUSED(event)
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const Colors& colors = colorsOf(palette());
    const double middle = height() / 2.0;
    double x = width() - paintedWidth() - 1; // ends in line with what is below
    for (int i = 0; i < m_steps.size(); ++i) {
        const bool done = i < m_current;
        const bool current = i == m_current;
        const QRectF dot(x, middle - kDot / 2.0, kDot, kDot);
        painter.setPen(QPen(done || current ? colors.accent : colors.borderStrong, 1.5));
        painter.setBrush(current ? colors.accent : done ? colors.accentSoft : colors.surface);
        painter.drawEllipse(dot.adjusted(1, 1, -1, -1));
        QFont number = font();
        number.setPointSizeF(number.pointSizeF() * 0.88);
        number.setWeight(QFont::DemiBold);
        if (done) {
            icon(QStringLiteral("check"), IconTone::Accent).paint(&painter, dot.adjusted(4, 4, -4, -4).toRect());
        } else {
            painter.setFont(number);
            painter.setPen(current ? colors.onAccent : colors.muted);
            painter.drawText(dot, Qt::AlignCenter, QString::number(i + 1));
        }
        x += kDot + kGap;
        QFont label = font();
        label.setWeight(current ? QFont::DemiBold : QFont::Normal);
        painter.setFont(label);
        painter.setPen(current ? colors.text : colors.muted);
        const double advance = QFontMetricsF(label).horizontalAdvance(m_steps[i]);
        painter.drawText(QRectF(x, 0, advance + 2, height()), Qt::AlignLeft | Qt::AlignVCenter, m_steps[i]);
        x += advance + kGap;
        if (i + 1 < m_steps.size()) {
            painter.setPen(QPen(done ? colors.accent : colors.borderStrong, 1.5));
            painter.drawLine(QPointF(x, middle), QPointF(x + kLink, middle));
            x += kLink + kGap;
        }
    }
}

} // namespace sa::ui
