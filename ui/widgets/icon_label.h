// SPDX-License-Identifier: GPL-3.0-or-later
// An icon that is drawn when it is painted, so that it follows theme and scale.
#pragma once

#include <QIcon>
#include <QWidget>

namespace sa::ui
{

class IconLabel final : public QWidget
{
    Q_OBJECT
public:
    explicit IconLabel(int size, QWidget* parent = nullptr);
    void setIcon(const QIcon& icon);

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QIcon m_icon;
};

} // namespace sa::ui
