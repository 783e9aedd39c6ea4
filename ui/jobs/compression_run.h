// SPDX-License-Identifier: GPL-3.0-or-later
// One run from Start to the before/after panel: quantize, then measure the original and the packed model on the same
// text. Knows no widgets; talks to a JobService.
#pragma once

#include "ui/jobs/job_results.h"
#include "ui/models/model_summary.h"
#include "ui/worker/job_service.h"

#include <QObject>
#include <QTimer>

#include <optional>
#include <vector>

namespace sa::ui
{

struct RunPlan {
    ModelSummary model;
    QuantizeSpec quantize;
    bool measure = true;
    EvaluateSpec evaluation; ///< `model` is filled in by the run
};

struct RunOutcome {
    RunPlan plan;
    QuantizeResult quantized;
    std::vector<LayerResult> layers;
    std::optional<EvaluateResult> before, after; ///< absent when not asked for, cancelled or failed
};

class CompressionRun final : public QObject
{
    Q_OBJECT
public:
    enum class Stage { Idle, Quantizing, MeasuringOriginal, MeasuringPacked };
    Q_ENUM(Stage)

    /// `service` is borrowed and must outlive the run.
    explicit CompressionRun(JobService& service, QObject* parent = nullptr);

    /// Does nothing while a run goes on.
    void start(const RunPlan& plan);
    void cancel();
    bool isRunning() const { return m_stage != Stage::Idle; }
    Stage stage() const { return m_stage; }
    const RunPlan& plan() const { return m_outcome.plan; }

Q_SIGNALS:
    void stageChanged(sa::ui::CompressionRun::Stage stage);
    /// Both come at most once a frame, however fast the worker talks.
    void progressed(const sa::Progress& progress);
    void layersFinished(const std::vector<sa::LayerResult>& batch);
    void noted(const sa::Note& note);
    /// The packed model exists. A measurement may be missing; measurementFailed() said why.
    void finished(const sa::ui::RunOutcome& outcome);
    void measurementFailed(const sa::ui::JobFailure& failure);
    /// There is no output; finished layers may wait to be resumed. Errc::Cancelled when the user wanted it so.
    void failed(const sa::ui::JobFailure& failure);

private:
    void enter(Stage stage);
    void launch(const JobSpec& spec);
    void onFinished(JobId id, const Json& result);
    void onFailed(JobId id, const JobFailure& failure);
    void measure(Stage stage);
    void succeed();
    void flushLayers();

    JobService& m_service;
    Stage m_stage = Stage::Idle;
    JobId m_job = 0;
    RunOutcome m_outcome;
    std::vector<LayerResult> m_pending;
    QTimer m_frame;
};

} // namespace sa::ui
