// SPDX-License-Identifier: GPL-3.0-or-later
// A table of numbers: rows selected whole, header clicks sort, Ctrl+C copies rows for a spreadsheet.
#pragma once

#include <QTableView>

namespace sa::ui {

class DataTable final : public QTableView
{
    Q_OBJECT
public:
    DataTable(const QString& name, QWidget* parent = nullptr);

    /// Widths in characters of the current font; the column with 0 takes what is left.
    void setColumnCharacters(const QList<int>& characters);
    /// Back to the order of the source model.
    void resetOrder();

protected:
    void changeEvent(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    void applyWidths();
    void copySelection() const;

    QList<int> m_characters;
};

} // namespace sa::ui
