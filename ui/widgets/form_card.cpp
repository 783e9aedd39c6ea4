// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/form_card.h"

#include "ui/widgets/parts.h"

#include <QGridLayout>
#include <QSpinBox>
#include <QVBoxLayout>

namespace sa::ui
{

namespace
{

constexpr int kLabelWidth = 104;
constexpr int kFieldTextInset = 6; // from the top of a field to its first line

} // namespace

FormCard::FormCard(const QString& title, QWidget* parent)
    : QFrame(parent)
    , m_grid(new QGridLayout)
{
    setRole(this, "card");
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(20, 14, 20, space::kLarge);
    layout->setSpacing(10);
    if (!title.isEmpty())
        layout->addWidget(makeTitle(title, 1.08, this));
    layout->addLayout(m_grid);
    m_grid->setContentsMargins(0, 0, 0, 0);
    m_grid->setHorizontalSpacing(space::kMedium);
    m_grid->setVerticalSpacing(space::kSmall);
    m_grid->setColumnMinimumWidth(0, kLabelWidth);
    m_grid->setColumnStretch(1, 1);
}

void FormCard::addRow(const QString& name, QWidget* field)
{
    auto* label = makeLabel(name, this);
    label->setBuddy(field);
    const int line = m_grid->rowCount();
    // Beside a tall field the label stands at the first line.
    const bool tall = field->sizePolicy().verticalPolicy() == QSizePolicy::Maximum;
    m_grid->addWidget(label, line, 0, tall ? Qt::AlignTop : Qt::Alignment());
    m_grid->addWidget(field, line, 1);
    if (tall)
        label->setContentsMargins(0, kFieldTextInset, 0, 0);
}

void FormCard::addBelow(QWidget* field)
{
    m_grid->addWidget(field, m_grid->rowCount(), 1);
}

void FormCard::addWide(QWidget* widget)
{
    m_grid->addWidget(widget, m_grid->rowCount(), 0, 1, 2);
}

QSpinBox* makeSpin(int min, int max, int value, const QString& name, const QString& meaning, QWidget* parent)
{
    auto* spin = new QSpinBox(parent);
    spin->setRange(min, max);
    spin->setValue(value);
    spin->setAlignment(Qt::AlignRight);
    spin->setGroupSeparatorShown(true);
    spin->setAccessibleName(name);
    spin->setToolTip(meaning);
    return spin;
}

} // namespace sa::ui
