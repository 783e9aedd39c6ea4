// SPDX-License-Identifier: GPL-3.0-or-later
// A heading that folds what is below it.
#pragma once

#include <QWidget>

class QToolButton;

namespace sa::ui
{

class Disclosure final : public QWidget
{
    Q_OBJECT
public:
    /// Takes `content`.
    Disclosure(const QString& title, QWidget* content, QWidget* parent = nullptr);
    void setOpen(bool open);
    bool isOpen() const;

private:
    QToolButton* m_toggle;
    QWidget* m_content;
};

} // namespace sa::ui
