// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/activity_widget.h"

#include "ui/widgets/parts.h"

#include <QHBoxLayout>
#include <QMouseEvent>
#include <QProgressBar>

namespace sa::ui
{

namespace
{

constexpr int kBarWidth = 120;
constexpr int kBarSteps = 1000;

} // namespace

ActivityWidget::ActivityWidget(QWidget* parent)
    : QWidget(parent)
    , m_text(makeMuted({}, this))
{
    m_bar = new QProgressBar(this);
    setRole(m_bar, "status");
    m_bar->setRange(0, kBarSteps);
    m_bar->setTextVisible(false);
    m_bar->setFixedWidth(kBarWidth);
    m_bar->setAccessibleName(tr("Progress of the running job"));
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(space::kMedium, 3, 14, 3);
    layout->setSpacing(space::kMedium);
    layout->addWidget(m_text);
    layout->addWidget(m_bar);
    setCursor(Qt::PointingHandCursor);
    setToolTip(tr("Show the running job"));
    setVisible(false);
}

void ActivityWidget::setActivity(const QString& text, double fraction)
{
    m_text->setText(text);
    m_bar->setValue(static_cast<int>(fraction * kBarSteps));
    setAccessibleName(text);
    setVisible(!text.isEmpty());
}

void ActivityWidget::mouseReleaseEvent(QMouseEvent* event)
{
    if (event->button() == Qt::LeftButton && rect().contains(event->pos()))
        Q_EMIT clicked();
}

} // namespace sa::ui
