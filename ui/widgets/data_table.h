// SPDX-License-Identifier: GPL-3.0-or-later
// A table of numbers: rows selected whole, header clicks sort, Ctrl+C copies rows for a spreadsheet.
#pragma once

#include <QTableView>

namespace sa::ui
{

class DataTable final : public QTableView
{
    Q_OBJECT
public:
    DataTable(const QString& name, QWidget* parent = nullptr);

    /// The widest text that each column should hold; the column with an empty one takes what is left.
    void setColumnSamples(const QStringList& samples);
    /// Back to the order of the source model.
    void resetOrder();

protected:
    void changeEvent(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    void applyWidths();
    void copySelection() const;

    QStringList m_samples;
};

} // namespace sa::ui
