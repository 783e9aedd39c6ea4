// SPDX-License-Identifier: GPL-3.0-or-later
// The pages of the window, at its left edge.
#pragma once

#include <QFrame>

class QAction;
class QVBoxLayout;

namespace sa::ui
{

class Rail final : public QFrame
{
    Q_OBJECT
public:
    explicit Rail(QWidget* parent = nullptr);
    /// `action` is checkable; the button follows its text, icon and state.
    void addPage(QAction* action);
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }

private:
    QVBoxLayout* m_layout;
};

} // namespace sa::ui
