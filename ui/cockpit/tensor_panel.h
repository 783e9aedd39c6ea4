// SPDX-License-Identifier: GPL-3.0-or-later
// The selected linear under the glass: its weights, its loud input channels, what each plane leaves over, its scales.
#pragma once

#include "ui/cockpit/allocation_document.h"
#include "ui/cockpit/cell_selection.h"

#include <QWidget>

class QLabel;

namespace sa::ui
{

class ElidedLabel;
class MiniBars;

class TensorPanel final : public QWidget
{
    Q_OBJECT
public:
    /// Both are borrowed and must outlive the panel.
    TensorPanel(AllocationDocument& document, CellSelection& selection, QWidget* parent = nullptr);

protected:
    void showEvent(QShowEvent* event) override;

private:
    void refresh();
    void showDetail(const TensorDetail& detail);

    AllocationDocument& m_document;
    CellSelection& m_selection;
    ElidedLabel* m_name;
    QLabel *m_numbers, *m_hint;
    QWidget* m_plots;
    MiniBars *m_histogram, *m_outliers, *m_residual, *m_exponents;
};

} // namespace sa::ui
