// SPDX-License-Identifier: GPL-3.0-or-later
// Compressions that this user's windows began and that did not come to their end. The window keeps one small record a
// job in a folder of its own, so that nothing has to be searched; how far a job came is read from the job's journal.
// All of it asks the file system: pool threads only.
#pragma once

#include "ui/jobs/compression_run.h"

#include <QDateTime>
#include <QString>

#include <optional>
#include <vector>

namespace sa::ui
{

/// How far a job came.
struct KeptWork {
    int layers = 0, ofLayers = 0;
    double seconds = 0; ///< of work
    QDateTime stopped;  ///< when its last layer was finished
};

struct UnfinishedJob {
    QuantizeSpec quantize;
    bool measure = true;
    EvaluateSpec evaluation;
    KeptWork kept;
};

/// Where the records are: the user's application data, or beside a settings file of its own (tests, pictures).
QString jobRecordsFolder(const QString& settingsFile);

/// When a job starts; its record goes once there is nothing left to resume. A failure is not worth a word: the job
/// itself is what counts.
void rememberJob(const QString& folder, const RunPlan& plan);

/// What waits to be resumed, the youngest first. Records of jobs that are gone are removed, jobs that a process works
/// on right now are left out; `running` is one of ours, which may not have got so far.
std::vector<UnfinishedJob> unfinishedJobs(const QString& folder, const std::string& running);
/// What the journal of the job for `out` says; nothing when there is nothing to resume.
std::optional<KeptWork> keptWork(const std::string& out);
/// Removes the unfinished output and its record. An error when another process works on it.
Result<void> discardJob(const QString& folder, const std::string& out);

} // namespace sa::ui
