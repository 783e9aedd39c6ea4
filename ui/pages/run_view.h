// SPDX-License-Identifier: GPL-3.0-or-later
// A run as it goes on, and its result: steps, progress, the finished layers as table and plot, before and after.
#pragma once

#include "ui/jobs/compression_run.h"

#include <QWidget>

class QLabel;
class QProgressBar;
class QPushButton;
class QStackedWidget;

namespace sa::ui
{

class DataTable;
class ErrorPlot;
class LayerFilter;
class PromptPanel;
class ResultPanel;
class RunLayerModel;
class SegmentedControl;
class StepStrip;

class RunView final : public QWidget
{
    Q_OBJECT
public:
    explicit RunView(QWidget* parent = nullptr);

    void begin(const RunPlan& plan);
    void setStage(CompressionRun::Stage stage);
    void setProgress(const Progress& progress);
    void appendLayers(const std::vector<LayerResult>& batch);
    void showOutcome(const RunOutcome& outcome);
    /// What the ladder or a silence has to say, or empty.
    void setRemark(const QString& text);
    void setCancelling(bool cancelling);
    void setJobsAllowed(bool allowed);
    void showPrompt(); ///< the second tab of a result

    double fraction() const { return m_fraction; }
    QString activityText() const; ///< one line for the status bar

    ResultPanel* result() const { return m_result; }
    PromptPanel* prompt() const { return m_prompt; }

Q_SIGNALS:
    void cancelRequested();
    void newRunRequested();

private:
    QWidget* makeProgressCard();
    QWidget* makeLayers();
    void selectPosition(int position);
    void refreshWorst();

    RunPlan m_plan;
    CompressionRun::Stage m_stage = CompressionRun::Stage::Idle;
    double m_fraction = 0; ///< of the whole run; never goes back
    QLabel* m_title;
    StepStrip* m_steps;
    QPushButton* m_newRun;
    QWidget* m_progressCard;
    QProgressBar* m_bar;
    QLabel *m_percent, *m_phase, *m_numbers, *m_step, *m_remark;
    QPushButton* m_cancel;
    ResultPanel* m_result;
    SegmentedControl* m_tabs;
    QStackedWidget* m_lower;
    RunLayerModel* m_model;
    LayerFilter* m_sorter;
    DataTable* m_table;
    ErrorPlot* m_plot;
    QLabel* m_worst;
    PromptPanel* m_prompt;
};

} // namespace sa::ui
