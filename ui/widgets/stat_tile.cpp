// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/stat_tile.h"

#include "ui/text.h"

#include <QVBoxLayout>

namespace sa::ui
{

StatTile::StatTile(const QString& name, const QString& meaning, QWidget* parent)
    : QWidget(parent)
    , m_name(name)
{
    auto* layout = new QVBoxLayout(this);
    tighten(layout, 1);
    layout->addWidget(makeCaption(name, this));
    m_value = makeTitle({}, 1.35, this);
    m_remark = makeCaption({}, this);
    for (QLabel* label : findChildren<QLabel*>())
        label->setWordWrap(false);
    layout->addWidget(m_value);
    layout->addWidget(m_remark);
    setToolTip(meaning);
    setAccessibleName(name);
}

void StatTile::setValue(const QString& value, const QString& remark, Tone remarkTone)
{
    m_value->setText(value);
    m_remark->setText(remark.isEmpty() ? QStringLiteral(" ") : remark);
    setTone(m_remark, remarkTone);
    setAccessibleDescription(m_name + QStringLiteral(": ") + value + QStringLiteral(", ") + remark);
}

} // namespace sa::ui
