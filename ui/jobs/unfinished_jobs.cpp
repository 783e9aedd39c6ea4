// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/jobs/unfinished_jobs.h"

#include "core/base/sha256.h"
#include "core/base/staged_folder.h"
#include "core/protocol/job_journal.h"
#include "ui/text.h"

#include <QDir>
#include <QFileInfo>
#include <QStandardPaths>

#include <algorithm>

namespace sa::ui
{

namespace
{

constexpr json::Limits kRecordLimits{1u << 20, 16};

QString recordPath(const QString& folder, const std::string& out)
{
    return folder + u'/' + fromUtf8(sha256Of(out).substr(0, 32)) + QStringLiteral(".json");
}

Result<UnfinishedJob> readRecord(const QString& path)
{
    SA_TRY(const Json record, json::parseFile(toUtf8(path), kRecordLimits));
    const JsonField root(record, toUtf8(path));
    UnfinishedJob job;
    SA_TRY(const JsonField quantize, root.at("quantize"));
    SA_TRY(JobSpec spec, parseJobSpec("quantize", quantize.raw()));
    job.quantize = std::get<QuantizeSpec>(std::move(spec));
    SA_TRY(job.measure, root.boolOr("measure", false));
    if (job.measure) {
        SA_TRY(const JsonField evaluate, root.at("evaluate"));
        SA_TRY(JobSpec evaluation, parseJobSpec("evaluate", evaluate.raw()));
        job.evaluation = std::get<EvaluateSpec>(std::move(evaluation));
    }
    return job;
}

} // namespace

QString jobRecordsFolder(const QString& settingsFile)
{
    const QString place = settingsFile.isEmpty()
                              ? QStandardPaths::writableLocation(QStandardPaths::AppLocalDataLocation)
                              : QFileInfo(settingsFile).absolutePath();
    return place + QStringLiteral("/jobs");
}

void rememberJob(const QString& folder, const RunPlan& plan)
{
    QuantizeSpec quantize = plan.quantize;
    quantize.resume = quantize.restart = false;
    EvaluateSpec evaluation = plan.evaluation;
    evaluation.model = quantize.model; // the run fills it in
    const Json record{{"quantize", toJson(quantize)}, {"measure", plan.measure}, {"evaluate", toJson(evaluation)}};
    if (QDir().mkpath(folder))
        (void)writeFileAtomic(toUtf8(recordPath(folder, quantize.out)), json::dumpPretty(record));
}

std::optional<KeptWork> keptWork(const std::string& out)
{
    const auto journal = findUnfinished(out);
    if (!journal)
        return std::nullopt;
    return KeptWork{journal->finishedLayers(), journal->layers, journal->seconds(),
                    QFileInfo(fromUtf8(journalPath(out))).lastModified()};
}

std::vector<UnfinishedJob> unfinishedJobs(const QString& folder, const std::string& running)
{
    std::vector<UnfinishedJob> jobs;
    for (const QString& name : QDir(folder).entryList({QStringLiteral("*.json")}, QDir::Files)) {
        const QString path = folder + u'/' + name;
        auto job = readRecord(path);
        if (!job) {
            QFile::remove(path);
            continue;
        }
        if (job->quantize.out == running || StagedFolder::isLocked(job->quantize.out))
            continue;
        const auto kept = keptWork(job->quantize.out);
        if (!kept) {
            QFile::remove(path);
            continue;
        }
        job->kept = *kept;
        jobs.push_back(*std::move(job));
    }
    std::stable_sort(jobs.begin(), jobs.end(),
                     [](const UnfinishedJob& a, const UnfinishedJob& b) { return a.kept.stopped > b.kept.stopped; });
    return jobs;
}

Result<void> discardJob(const QString& folder, const std::string& out)
{
    SA_CHECK(StagedFolder::discardUnfinished(out));
    QFile::remove(recordPath(folder, out));
    return {};
}

} // namespace sa::ui
