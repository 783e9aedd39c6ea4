// SPDX-License-Identifier: GPL-3.0-or-later
// The bit budget: what every layer is worth, how small the model may get, and what that will cost, on one page. Owns
// the document and the analysis.
#pragma once

#include "ui/cockpit/allocation_document.h"
#include "ui/cockpit/budget_units.h"
#include "ui/cockpit/cell_selection.h"
#include "ui/cockpit/plan_memory.h"
#include "ui/jobs/analysis_run.h"
#include "ui/jobs/compression_run.h"

#include <QWidget>

class QMenu;
class QStackedWidget;

namespace sa::ui
{

class Banner;
class BudgetPanel;
class CockpitHeader;
class EmptyState;
class HeatmapCard;
class PlanActions;
class PlanFiles;
class SidePanel;

class CockpitPage final : public QWidget
{
    Q_OBJECT
public:
    /// `service` is borrowed and must outlive the page.
    explicit CockpitPage(JobService& service, QWidget* parent = nullptr);

    void setModel(const ModelSummary& model);
    /// Of the Compress page: what an analysis would be made with, and what figures are compared with.
    void setSettings(const QuantizeSpec& settings);
    /// The worker has a job that is not this page's.
    void setWorkerBusy(bool busy);
    void setSpeedBasis(const std::optional<SpeedBasis>& basis);
    /// Predicted against measured. Of other models: nothing.
    void showOutcome(const RunOutcome& outcome);
    /// Where plans for runs are put, and the last demands on each model.
    void setPlansFolder(const QString& folder);

    /// What the weights alone say, when nobody has asked for it yet and the worker is free.
    void estimate();
    bool wantsEstimate() const { return m_wantsEstimate; }
    void analyze();
    void cancel();
    bool isRunning() const; ///< an analysis that the user has asked for
    void compress();        ///< takes the plan to the Compress page
    void addTo(QMenu& menu);

    const ModelSummary& model() const { return m_model; } ///< the last one that bits can be shared in
    AllocationDocument& document() { return m_document; }
    CellSelection& selection() { return m_selection; }
    CockpitHeader* header() const { return m_header; }
    BudgetPanel* budget() const { return m_budget; }
    HeatmapCard* heatmapCard() const { return m_heatmap; }
    SidePanel* side() const { return m_side; }
    Banner* banner() const { return m_banner; }
    PlanFiles* files() const { return m_files; }

Q_SIGNALS:
    void openModelRequested();
    void compressRequested(const QString& planFile, const sa::Plan& plan);
    void activityChanged(const QString& text, double fraction);
    void runningChanged(bool running);
    void noted(const sa::Note& note);
    void shownFirst(); ///< an estimate is wanted now

protected:
    void showEvent(QShowEvent* event) override;

private:
    QWidget* makeContent();
    void connectAnalysis();
    void onAnalyzed(const std::shared_ptr<Sensitivity>& sensitivity);
    void onAnalysisFailed(const JobFailure& failure);
    void showProblem();
    void refreshHead();
    void refreshStale();
    void refreshCommands();

    JobService& m_service;
    AllocationDocument m_document;
    PlanMemory m_memory{m_document};
    CellSelection m_selection;
    AnalysisRun* m_analysis;
    ModelSummary m_model;
    QuantizeSpec m_settings;
    std::optional<QuantizerOptions> m_measuredWith;
    QuantizerOptions m_estimatedWith; ///< the settings that figures of earlier analyses were asked for with
    QString m_plansFolder;
    bool m_wantsEstimate = false;
    bool m_problemShown = false; ///< the banner is about AllocationDocument::problem()

    Banner* m_banner;
    QStackedWidget* m_stack;
    EmptyState* m_empty;
    QWidget* m_content;
    CockpitHeader* m_header;
    BudgetPanel* m_budget;
    HeatmapCard* m_heatmap;
    SidePanel* m_side;
    PlanActions* m_actions;
    PlanFiles* m_files;
};

} // namespace sa::ui
