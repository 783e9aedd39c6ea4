// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/worker/yielding_service.h"

#include "ui/text.h"

#include <utility>

namespace sa::ui
{

namespace
{

constexpr JobId kIdToCome = -1;

bool standsBack(const JobSpec& spec)
{
    const auto* analysis = std::get_if<AnalyzeSpec>(&spec);
    return std::holds_alternative<DoctorSpec>(spec) || (analysis && !analysis->measure);
}

} // namespace

YieldingService::YieldingService(JobService& inner, QObject* parent)
    : JobService(parent)
    , m_inner(inner)
{
    relay(&JobService::progressed);
    relay(&JobService::layerFinished);
    relay(&JobService::sensitivityArrived);
    relay(&JobService::tokenArrived);
    relay(&JobService::noted);
    connect(&inner, &JobService::finished, this, [this](JobId innerId, const Json& result) {
        if (const JobId id = take(innerId))
            Q_EMIT finished(id, result);
    });
    connect(&inner, &JobService::failed, this, [this](JobId innerId, const JobFailure& failure) {
        if (const JobId id = take(innerId))
            Q_EMIT failed(id, failure);
    });
}

template<class... Args> void YieldingService::relay(void (JobService::*signal)(JobId, Args...))
{
    connect(&m_inner, signal, this, [this, signal](JobId innerId, Args... args) {
        if (const JobId id = m_ids.value(innerId))
            Q_EMIT(this->*signal)(id, args...);
    });
}

JobId YieldingService::start(const JobSpec& spec)
{
    const JobId id = ++m_lastId;
    if (m_standingBack == 0 || isBusy()) { // the inner service takes or refuses it
        pass(id, spec);
        return id;
    }
    dropWaiting();
    m_waiting = Waiting{id, spec}; // first: cancelling tells of new states, and we are busy from now on
    m_inner.cancel(m_standingBack);
    return id;
}

void YieldingService::cancel(JobId id)
{
    if (m_waiting && m_waiting->id == id)
        return dropWaiting();
    if (const JobId innerId = m_ids.key(id))
        m_inner.cancel(innerId);
}

bool YieldingService::isBusy() const
{
    if (m_waiting)
        return !standsBack(m_waiting->spec);
    return m_standingBack == 0 && m_inner.isBusy();
}

void YieldingService::pass(JobId id, const JobSpec& spec)
{
    // The inner service tells of its new state before it returns, and whoever hears that asks whether we are busy.
    const bool willStandBack = standsBack(spec) && !m_inner.isBusy();
    if (willStandBack)
        m_standingBack = kIdToCome;
    const JobId innerId = m_inner.start(spec);
    if (willStandBack)
        m_standingBack = innerId;
    m_ids.insert(innerId, id);
}

/// Ends a job that never started.
void YieldingService::dropWaiting()
{
    if (!m_waiting)
        return;
    const JobId id = m_waiting->id;
    m_waiting.reset();
    QMetaObject::invokeMethod(
        this,
        [this, id] {
            Q_EMIT failed(id, {makeError(Errc::Cancelled, toUtf8(tr("cancelled"))), false, {}});
        },
        Qt::QueuedConnection);
}

/// A job is over: our id of it, and the turn of the one that waits.
JobId YieldingService::take(JobId innerId)
{
    const JobId id = m_ids.take(innerId);
    if (innerId == m_standingBack) {
        m_standingBack = 0;
        if (auto next = std::exchange(m_waiting, std::nullopt))
            pass(next->id, next->spec);
    }
    return id;
}

} // namespace sa::ui
