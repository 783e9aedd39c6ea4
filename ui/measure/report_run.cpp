// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/measure/report_run.h"

#include "core/base/atomic_file.h"
#include "core/base/file.h"
#include "ui/async.h"
#include "ui/text.h"

#include <QDir>

namespace sa::ui
{

namespace
{

constexpr std::uint64_t kMaxPage = 32u << 20;

struct Prepared {
    QStringList stamps;
    bool hasLatency = false;
    std::optional<Error> error;
};

struct Collected {
    Report report;
    std::optional<Error> error;
};

} // namespace

ReportRun::ReportRun(JobService& service, QString place, QObject* parent)
    : QObject(parent)
    , m_service(service)
    , m_place(std::move(place))
{
    connect(&m_job, &SingleJob::progressed, this, &ReportRun::progressed);
    connect(&m_job, &SingleJob::noted, this, &ReportRun::noted);
    connect(&m_job, &SingleJob::finished, this, &ReportRun::onFinished);
    connect(&m_job, &SingleJob::failed, this, &ReportRun::fail);
}

QString ReportRun::file(const QString& name) const
{
    return m_place + u'/' + name;
}

void ReportRun::start(const ReportPlan& plan)
{
    if (m_running)
        return;
    m_plan = plan;
    m_running = true;
    m_cancelled = m_timing = false;
    m_steps.clear();
    m_plan.spec.out.clear();
    m_plan.spec.html = toUtf8(file(QStringLiteral("report-in-work.html")));
    m_plan.spec.latency = plan.latency ? toUtf8(file(QStringLiteral("latency-in-work.json"))) : std::string();
    prepare();
}

/// Looks at the folders, and for times of the pair that still hold.
void ReportRun::prepare()
{
    const QStringList folders{fromUtf8(m_plan.spec.evaluate.reference), fromUtf8(m_plan.spec.evaluate.model)};
    inBackground(
        this,
        [place = m_place, folders, latency = m_plan.spec.latency] {
            Prepared out;
            out.stamps = folderStamps(folders);
            if (!QDir().mkpath(place))
                out.error = makeError(Errc::Io, "the folder of the measurements cannot be made").in(toUtf8(place));
            if (latency.empty() || out.error)
                return out;
            const auto kept = keptResult(place, QStringLiteral("latency"), folders);
            if (!kept || kept->stale)
                return out;
            auto written = writeFileAtomic(latency, json::dump(kept->value));
            out.hasLatency = written.has_value();
            if (!written)
                out.error = std::move(written).error();
            return out;
        },
        [this](const Prepared& prepared) {
            if (prepared.error)
                return fail({*prepared.error, false, {}});
            m_stamps = prepared.stamps;
            const EvaluateSpec& whole = m_plan.spec.evaluate;
            if (!whole.text.empty()) {
                EvaluateSpec text = whole;
                text.tasks.clear();
                m_steps.push_back({tr("Reading the text with both models"), text});
            }
            if (!whole.tasks.empty()) {
                EvaluateSpec tasks = whole;
                tasks.text.clear();
                tasks.reference.clear();
                m_steps.push_back({tr("Asking the compressed model"), tasks});
                tasks.model = whole.reference;
                m_steps.push_back({tr("Asking the original"), tasks});
            }
            if (m_plan.latency && !prepared.hasLatency) {
                LatencySpec times;
                times.model = whole.reference;
                times.against = whole.model;
                times.threads = whole.threads;
                times.device = whole.device;
                m_steps.push_back({tr("Timing both models"), times});
            }
            m_steps.push_back({tr("Writing the report"), m_plan.spec});
            next();
        });
}

void ReportRun::next()
{
    if (m_cancelled)
        return fail({makeError(Errc::Cancelled, "cancelled"), false, {}});
    const Step& step = m_steps.front();
    m_timing = std::holds_alternative<LatencySpec>(step.spec);
    Q_EMIT stepChanged(step.what);
    m_job.start(m_service, step.spec);
}

void ReportRun::onFinished(const Json& result)
{
    m_steps.pop_front();
    if (m_steps.empty())
        return collect(result);
    if (!m_timing)
        return next();
    inBackground(
        this,
        [place = m_place, result, path = m_plan.spec.latency, stamps = m_stamps,
         folders = QStringList{fromUtf8(m_plan.spec.evaluate.reference),
                               fromUtf8(m_plan.spec.evaluate.model)}]() -> std::optional<Error> {
            auto written = writeFileAtomic(path, json::dump(result));
            if (written) // the Latency page shows it, too
                written = keepResult(place, QStringLiteral("latency"), folders, stamps, result);
            return errorOf(std::move(written));
        },
        [this](const std::optional<Error>& error) {
            error ? fail({*error, false, {}}) : next();
        });
}

void ReportRun::collect(const Json& certificate)
{
    inBackground(
        this,
        [place = m_place, spec = m_plan.spec, stamps = m_stamps, certificate] {
            Collected out;
            out.report.spec = spec;
            out.report.certificate = certificate;
            out.report.made = QDateTime::currentDateTimeUtc();
            auto html = readFile(spec.html, kMaxPage);
            if (!html) {
                out.error = std::move(html).error();
                return out;
            }
            out.report.html = fromUtf8(*html);
            out.report.spec.html.clear();
            out.report.spec.latency.clear();
            if (auto kept = keepReport(place, out.report, stamps); !kept)
                out.error = std::move(kept).error();
            QFile::remove(fromUtf8(spec.html));
            return out;
        },
        [this](const Collected& collected) {
            if (collected.error)
                return fail({*collected.error, false, {}});
            end();
            Q_EMIT finished(collected.report);
        });
}

void ReportRun::cancel()
{
    m_cancelled = true;
    m_job.cancel();
}

void ReportRun::end()
{
    m_running = false;
    m_steps.clear();
}

void ReportRun::fail(const JobFailure& failure)
{
    end();
    Q_EMIT failed(failure);
}

} // namespace sa::ui
