// SPDX-License-Identifier: GPL-3.0-or-later
// Beside the heatmap: the trade-off, and below it the layers as a table, the selected tensor, the check of the last
// run, and the command line.
#pragma once

#include "ui/cockpit/allocation_document.h"
#include "ui/cockpit/cell_selection.h"
#include "ui/jobs/compression_run.h"
#include "ui/plots/pareto_plot.h"

#include <QWidget>

class QLabel;
class QStackedWidget;

namespace sa::ui
{

class AgreementPlot;
class CommandBox;
class DataTable;
class LayerFilter;
class LinearTableModel;
class SegmentedControl;
class TensorPanel;

class SidePanel final : public QWidget
{
    Q_OBJECT
public:
    enum Part { Layers, Tensor, Check, Command };

    /// Both are borrowed and must outlive the panel.
    SidePanel(AllocationDocument& document, CellSelection& selection, QWidget* parent = nullptr);

    void showPart(Part part);
    /// Predicted against measured, after a run; also marks the run's size among the plans.
    void showOutcome(const RunOutcome& outcome, std::uint64_t linearBytes, double predictedCost);
    void setCommands(const QList<QStringList>& commands, const QString& remark);
    ParetoPlot* pareto() const { return m_pareto; }
    DataTable* table() const { return m_table; }
    QString agreementText() const;

Q_SIGNALS:
    void menuRequested(const QPoint& globalPosition);

private:
    QWidget* makePareto();
    QWidget* makeTable();
    QWidget* makeCheck();
    QWidget* makeCommand();
    void refreshPlans();
    void refreshPoint();
    void takeSelection();
    void giveSelection();

    AllocationDocument& m_document;
    CellSelection& m_selection;
    ParetoPlot* m_pareto;
    QLabel* m_paretoHint;
    SegmentedControl* m_parts;
    QStackedWidget* m_body;
    LinearTableModel* m_model;
    LayerFilter* m_sorter;
    DataTable* m_table;
    AgreementPlot* m_agreement;
    QLabel* m_agreementText;
    CommandBox* m_command;
    QLabel* m_commandRemark;
    std::vector<ParetoPlot::Point> m_built;
    bool m_following = false; ///< selection is on its way between table and heatmap
};

} // namespace sa::ui
