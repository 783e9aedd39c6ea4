// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/jobs/analysis_run.h"

#include "ui/async.h"
#include "ui/text.h"

#include <QDir>
#include <QFile>
#include <QUuid>

#include <utility>

namespace sa::ui
{

namespace
{

constexpr int kFrameMs = 16;

struct Reading {
    std::shared_ptr<Sensitivity> sensitivity;
    std::optional<Error> error;
};

} // namespace

AnalysisRun::AnalysisRun(JobService& service, QObject* parent)
    : QObject(parent)
    , m_service(service)
{
    m_frame.setSingleShot(true);
    m_frame.setInterval(kFrameMs);
    connect(&m_frame, &QTimer::timeout, this, &AnalysisRun::flush);
    connect(&service, &JobService::progressed, this, [this](JobId id, const Progress& progress) {
        if (id == m_job)
            Q_EMIT progressed(progress);
    });
    connect(&service, &JobService::noted, this, [this](JobId id, const Note& note) {
        if (id == m_job)
            Q_EMIT noted(note);
    });
    connect(&service, &JobService::sensitivityArrived, this, [this](JobId id, const LayerSensitivity& layer) {
        if (id != m_job)
            return;
        auto linear = linearSensitivityFromJson(JsonField(layer.value, "", "sensitivity"));
        if (!linear) // the whole comes at the end, and is checked then
            return Q_EMIT noted({"warning", linear.error().sentence()});
        std::string name = linear->name;
        m_pending.insert_or_assign(std::move(name), std::move(*linear));
        if (!m_frame.isActive())
            m_frame.start();
    });
    connect(&service, &JobService::finished, this, [this](JobId id, const Json& result) {
        if (id == m_job)
            onFinished(result);
    });
    connect(&service, &JobService::failed, this, [this](JobId id, const JobFailure& failure) {
        if (id == m_job)
            fail(failure);
    });
}

AnalysisRun::~AnalysisRun()
{
    removeTemporary();
}

void AnalysisRun::start(AnalyzeSpec spec)
{
    if (isRunning())
        return;
    ++m_generation;
    m_pending.clear();
    if (spec.saveTo.empty()) {
        m_temporary = QDir::temp().filePath(
            QStringLiteral("shiftadd-%1.json").arg(QUuid::createUuid().toString(QUuid::WithoutBraces)));
        spec.saveTo = toUtf8(m_temporary);
    }
    m_spec = std::move(spec);
    m_job = m_service.start(m_spec);
    Q_EMIT started();
}

void AnalysisRun::cancel()
{
    if (m_job != 0)
        m_service.cancel(m_job);
}

void AnalysisRun::forget()
{
    cancel();
    ++m_generation;
    m_job = 0;
    m_reading = false;
    m_frame.stop();
    m_pending.clear();
}

void AnalysisRun::flush()
{
    m_frame.stop();
    if (m_pending.empty())
        return;
    std::vector<LinearSensitivity> linears;
    for (auto& [name, linear] : std::exchange(m_pending, {}))
        linears.push_back(std::move(linear));
    Q_EMIT arrived(linears);
}

void AnalysisRun::onFinished(const Json& result)
{
    flush();
    const JsonField root(result, "", "result");
    const auto cached = root.boolOr("cached", false);
    m_job = 0;
    m_reading = true;
    inBackground(
        this,
        [path = m_spec.saveTo] {
            Reading reading;
            auto sensitivity = readSensitivity(path);
            if (sensitivity)
                reading.sensitivity = std::make_shared<Sensitivity>(std::move(*sensitivity));
            else
                reading.error = std::move(sensitivity).error();
            return reading;
        },
        [this, generation = m_generation, cached = cached && *cached](const Reading& reading) {
            removeTemporary();
            if (generation != m_generation)
                return;
            m_reading = false;
            if (reading.error)
                Q_EMIT failed({*reading.error, false, {}});
            else
                Q_EMIT finished(reading.sensitivity, cached);
        });
}

void AnalysisRun::fail(const JobFailure& failure)
{
    flush();
    m_job = 0;
    removeTemporary();
    Q_EMIT failed(failure);
}

void AnalysisRun::removeTemporary()
{
    if (!m_temporary.isEmpty())
        QFile::remove(std::exchange(m_temporary, {}));
}

} // namespace sa::ui
