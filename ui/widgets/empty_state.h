// SPDX-License-Identifier: GPL-3.0-or-later
// What a page shows as long as it has no model to work on: why, and a button that opens one.
#pragma once

#include <QWidget>

class QLabel;

namespace sa::ui
{

class EmptyState final : public QWidget
{
    Q_OBJECT
public:
    EmptyState(const QString& icon, const QString& title, const QString& text, QWidget* parent);
    void setTexts(const QString& title, const QString& text);

Q_SIGNALS:
    void openRequested();

private:
    QLabel *m_title, *m_text;
};

/// A title and a sentence in the middle of a place that has nothing to show yet.
QWidget* makeEmptyNote(const QString& title, const QString& text, QWidget* parent);

} // namespace sa::ui
