// SPDX-License-Identifier: GPL-3.0-or-later
// A number with its name above and a remark below.
#pragma once

#include "ui/widgets/parts.h"

#include <QWidget>

namespace sa::ui
{

class StatTile final : public QWidget
{
    Q_OBJECT
public:
    /// `meaning`: the tool tip, in plain words, saying whether low is good.
    StatTile(const QString& name, const QString& meaning, QWidget* parent = nullptr);

    /// Texts may come from outside.
    void setValue(const QString& value, const QString& remark = {}, Tone remarkTone = Tone::Plain);

private:
    QString m_name;
    QLabel* m_value;
    QLabel* m_remark;
};

} // namespace sa::ui
