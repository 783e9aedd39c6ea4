// SPDX-License-Identifier: GPL-3.0-or-later
// The heatmap with the choice of what it shows above, and its legend below.
#pragma once

#include "ui/cockpit/cell_figures.h"

#include <QFrame>

class QSpinBox;

namespace sa::ui
{

class CellSelection;
class HeatmapLegend;
class HeatmapView;
class SegmentedControl;

class HeatmapCard final : public QFrame
{
    Q_OBJECT
public:
    /// Both are borrowed and must outlive the card.
    HeatmapCard(AllocationDocument& document, CellSelection& selection, QWidget* parent = nullptr);

    HeatmapView* heatmap() const { return m_heatmap; }
    void setView(const View& view);

private:
    void refresh();

    SegmentedControl* m_quantity;
    QSpinBox* m_bits;
    HeatmapView* m_heatmap;
    HeatmapLegend* m_legend;
};

} // namespace sa::ui
