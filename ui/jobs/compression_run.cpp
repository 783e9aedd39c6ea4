// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/jobs/compression_run.h"

namespace sa::ui
{

namespace
{

constexpr int kFrameMs = 16;

JobFailure broken(const Error& error)
{
    return {error, false, {}};
}

} // namespace

CompressionRun::CompressionRun(JobService& service, QObject* parent)
    : QObject(parent)
    , m_service(service)
{
    m_frame.setSingleShot(true);
    m_frame.setInterval(kFrameMs);
    connect(&m_frame, &QTimer::timeout, this, &CompressionRun::flushLayers);
    connect(&service, &JobService::progressed, this, [this](JobId id, const Progress& progress) {
        if (isRunning() && id == m_job)
            Q_EMIT progressed(progress);
    });
    connect(&service, &JobService::layerFinished, this, [this](JobId id, const LayerResult& layer) {
        if (m_stage != Stage::Quantizing || id != m_job)
            return;
        m_outcome.layers.push_back(layer);
        m_pending.push_back(layer);
        if (!m_frame.isActive())
            m_frame.start();
    });
    connect(&service, &JobService::noted, this, [this](JobId id, const Note& note) {
        if (isRunning() && id == m_job)
            Q_EMIT noted(note);
    });
    connect(&service, &JobService::finished, this, &CompressionRun::onFinished);
    connect(&service, &JobService::failed, this, &CompressionRun::onFailed);
}

void CompressionRun::start(const RunPlan& plan)
{
    if (isRunning())
        return;
    m_outcome = {};
    m_outcome.plan = plan;
    m_pending.clear();
    enter(Stage::Quantizing);
    launch(plan.quantize);
}

void CompressionRun::cancel()
{
    if (isRunning())
        m_service.cancel(m_job);
}

void CompressionRun::enter(Stage stage)
{
    m_stage = stage;
    Q_EMIT stageChanged(stage);
}

void CompressionRun::launch(const JobSpec& spec)
{
    m_job = m_service.start(spec);
}

void CompressionRun::measure(Stage stage)
{
    enter(stage);
    EvaluateSpec spec = m_outcome.plan.evaluation;
    spec.model = stage == Stage::MeasuringOriginal ? m_outcome.plan.quantize.model : m_outcome.plan.quantize.out;
    launch(spec);
}

void CompressionRun::onFinished(JobId id, const Json& result)
{
    if (!isRunning() || id != m_job)
        return;
    flushLayers();
    switch (m_stage) {
    case Stage::Idle:
        return;
    case Stage::Quantizing: {
        const auto parsed = parseQuantizeResult(result);
        if (!parsed) {
            enter(Stage::Idle);
            Q_EMIT failed(broken(parsed.error()));
            return;
        }
        m_outcome.quantized = *parsed;
        if (m_outcome.plan.measure)
            measure(Stage::MeasuringOriginal);
        else
            succeed();
        return;
    }
    case Stage::MeasuringOriginal:
    case Stage::MeasuringPacked: {
        const auto parsed = parseEvaluateResult(result);
        if (!parsed) {
            succeed();
            Q_EMIT measurementFailed(broken(parsed.error()));
            return;
        }
        if (m_stage == Stage::MeasuringOriginal) {
            m_outcome.before = *parsed;
            measure(Stage::MeasuringPacked);
        } else {
            m_outcome.after = *parsed;
            succeed();
        }
        return;
    }
    }
}

void CompressionRun::onFailed(JobId id, const JobFailure& failure)
{
    if (!isRunning() || id != m_job)
        return;
    flushLayers();
    if (m_stage == Stage::Quantizing) {
        enter(Stage::Idle);
        Q_EMIT failed(failure);
        return;
    }
    succeed(); // the packed model is there; only its measurement is missing
    Q_EMIT measurementFailed(failure);
}

void CompressionRun::succeed()
{
    enter(Stage::Idle);
    Q_EMIT finished(m_outcome);
}

void CompressionRun::flushLayers()
{
    m_frame.stop();
    if (m_pending.empty())
        return;
    const std::vector<LayerResult> batch = std::exchange(m_pending, {});
    Q_EMIT layersFinished(batch);
}

} // namespace sa::ui
