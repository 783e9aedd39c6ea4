// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/segmented_control.h"

#include "ui/widgets/parts.h"

#include <QButtonGroup>
#include <QHBoxLayout>
#include <QPushButton>

namespace sa::ui
{

SegmentedControl::SegmentedControl(QWidget* parent)
    : QFrame(parent)
    , m_group(new QButtonGroup(this))
{
    setRole(this, "segments");
    m_layout = new QHBoxLayout(this);
    m_layout->setContentsMargins(2, 2, 2, 2);
    m_layout->setSpacing(2);
    m_group->setExclusive(true);
    connect(m_group, &QButtonGroup::idToggled, this, [this](int id, bool checked) {
        if (checked)
            Q_EMIT valueChanged(id);
    });
}

void SegmentedControl::addSegment(int value, const QString& text, const QString& toolTip)
{
    auto* button = new QPushButton(text, this);
    button->setCheckable(true);
    button->setAutoDefault(false);
    button->setToolTip(toolTip);
    button->setAccessibleName(text);
    button->setAccessibleDescription(toolTip);
    m_group->addButton(button, value);
    m_layout->addWidget(button, 1);
    setFocusProxy(m_group->button(m_group->checkedId() >= 0 ? m_group->checkedId() : value));
}

void SegmentedControl::setSegmentText(int value, const QString& text)
{
    if (QAbstractButton* button = m_group->button(value)) {
        button->setText(text);
        button->setAccessibleName(text);
    }
}

int SegmentedControl::value() const
{
    return m_group->checkedId();
}

void SegmentedControl::setValue(int value)
{
    if (QAbstractButton* button = m_group->button(value))
        button->setChecked(true);
}

} // namespace sa::ui
