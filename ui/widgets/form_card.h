// SPDX-License-Identifier: GPL-3.0-or-later
// A card with a title and rows of label and field; the labels of all cards line up.
#pragma once

#include <QFrame>

class QGridLayout;
class QSpinBox;

namespace sa::ui
{

class FormCard : public QFrame
{
    Q_OBJECT
public:
    explicit FormCard(const QString& title, QWidget* parent = nullptr);

    void addRow(const QString& name, QWidget* field);
    /// In the column of the fields.
    void addBelow(QWidget* field);
    /// Over both columns.
    void addWide(QWidget* widget);

private:
    QGridLayout* m_grid;
};

/// Right-aligned and named; `meaning` becomes the tool tip.
QSpinBox* makeSpin(int min, int max, int value, const QString& name, const QString& meaning, QWidget* parent);

} // namespace sa::ui
