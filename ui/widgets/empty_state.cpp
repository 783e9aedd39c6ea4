// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/empty_state.h"

#include "ui/style/icons.h"
#include "ui/widgets/icon_label.h"
#include "ui/widgets/parts.h"

#include <QVBoxLayout>

namespace sa::ui
{

EmptyState::EmptyState(const QString& iconName, const QString& title, const QString& text, QWidget* parent)
    : QWidget(parent)
    , m_title(makeTitle(title, 1.4, this))
    , m_text(makeMuted(text, this))
{
    auto* glyph = new IconLabel(44, this);
    glyph->setIcon(icon(iconName, IconTone::Muted));
    auto* open = makePrimaryButton(tr("Open a model…"), QStringLiteral("open"), this);
    connect(open, &QPushButton::clicked, this, &EmptyState::openRequested);
    auto* layout = new QVBoxLayout(this);
    layout->setSpacing(space::kSmall);
    layout->addStretch(2);
    layout->addWidget(glyph, 0, Qt::AlignHCenter);
    layout->addWidget(m_title, 0, Qt::AlignHCenter);
    layout->addWidget(m_text, 0, Qt::AlignHCenter);
    layout->addSpacing(space::kSmall);
    layout->addWidget(open, 0, Qt::AlignHCenter);
    layout->addStretch(3);
}

void EmptyState::setTexts(const QString& title, const QString& text)
{
    m_title->setText(title);
    m_text->setText(text);
}

QWidget* makeEmptyNote(const QString& title, const QString& text, QWidget* parent)
{
    auto* note = new QWidget(parent);
    auto* layout = new QVBoxLayout(note);
    layout->addStretch(2);
    layout->addWidget(makeTitle(title, 1.2, note), 0, Qt::AlignHCenter);
    layout->addWidget(makeMuted(text, note), 0, Qt::AlignHCenter);
    layout->addStretch(3);
    return note;
}

} // namespace sa::ui
