// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/disclosure.h"

#include "ui/style/icons.h"
#include "ui/widgets/parts.h"

#include <QToolButton>
#include <QVBoxLayout>

namespace sa::ui
{

Disclosure::Disclosure(const QString& title, QWidget* content, QWidget* parent)
    : QWidget(parent)
    , m_content(content)
{
    m_toggle = new QToolButton(this);
    setRole(m_toggle, "disclosure");
    m_toggle->setText(title);
    m_toggle->setCheckable(true);
    m_toggle->setIconSize({14, 14});
    m_toggle->setIcon(icon(QStringLiteral("chevron-right"), IconTone::Text));
    m_toggle->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    m_toggle->setFocusPolicy(Qt::StrongFocus);
    auto* layout = new QVBoxLayout(this);
    tighten(layout, space::kSmall);
    layout->addWidget(m_toggle, 0, Qt::AlignLeft);
    layout->addWidget(content);
    content->setVisible(false);
    connect(m_toggle, &QToolButton::toggled, this, [this](bool open) {
        const auto name = open ? QStringLiteral("chevron-down") : QStringLiteral("chevron-right");
        m_toggle->setIcon(icon(name, IconTone::Text));
        m_content->setVisible(open);
    });
}

void Disclosure::setOpen(bool open)
{
    m_toggle->setChecked(open);
}

bool Disclosure::isOpen() const
{
    return m_toggle->isChecked();
}

} // namespace sa::ui
