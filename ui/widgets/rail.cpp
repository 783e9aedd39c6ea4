// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/rail.h"

#include "ui/widgets/parts.h"

#include <QAction>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

namespace sa::ui
{

namespace
{

constexpr int kWidth = 92;
constexpr int kButtonHeight = 62;

} // namespace

Rail::Rail(QWidget* parent)
    : QFrame(parent)
    , m_layout(new QVBoxLayout(this))
{
    setRole(this, "rail");
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Preferred);
    m_layout->setContentsMargins(space::kSmall, space::kMedium, space::kSmall, space::kMedium);
    m_layout->setSpacing(space::kTight);
    m_layout->addStretch();
}

QSize Rail::sizeHint() const
{
    int width = kWidth;
    for (const auto* button : findChildren<QToolButton*>())
        width = std::max(width, button->fontMetrics().horizontalAdvance(button->text()) + 32);
    return {width, m_layout->sizeHint().height()};
}

void Rail::addPage(QAction* action)
{
    auto* button = new QToolButton(this);
    button->setDefaultAction(action);
    button->setToolButtonStyle(Qt::ToolButtonTextUnderIcon);
    button->setIconSize({24, 24});
    button->setMinimumHeight(kButtonHeight);
    button->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    button->setFocusPolicy(Qt::TabFocus);
    m_layout->insertWidget(m_layout->count() - 1, button);
}

} // namespace sa::ui
