// SPDX-License-Identifier: GPL-3.0-or-later
// One of a few choices, side by side. Arrow keys move, Tab leaves.
#pragma once

#include <QFrame>

class QButtonGroup;
class QHBoxLayout;

namespace sa::ui
{

class SegmentedControl final : public QFrame
{
    Q_OBJECT
public:
    explicit SegmentedControl(QWidget* parent = nullptr);

    void addSegment(int value, const QString& text, const QString& toolTip);
    void setSegmentText(int value, const QString& text);
    int value() const;
    void setValue(int value);

Q_SIGNALS:
    void valueChanged(int value);

private:
    QButtonGroup* m_group;
    QHBoxLayout* m_layout;
};

} // namespace sa::ui
