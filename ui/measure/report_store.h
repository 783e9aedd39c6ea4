// SPDX-License-Identifier: GPL-3.0-or-later
// Reports between sessions: the last one of every compressed folder. Asks the file system: pool threads only.
#pragma once

#include "core/protocol/job_spec.h"
#include "ui/measure/kept_results.h"

namespace sa::ui
{

struct Report {
    ReportSpec spec;  ///< as it was made; its paths are the models'
    Json certificate; ///< docs/PROTOCOL.md, result of `report`
    QString html;     ///< the page of the same
    QDateTime made;
    bool stale = false; ///< a model has changed since

    QString original() const;
    QString compressed() const;
    bool isAccepted() const; ///< no limit is exceeded, or somebody said why it may be
};

/// `stamps`: of original and compressed folder, taken before anything was measured.
Result<void> keepReport(const QString& place, const Report& report, const QStringList& stamps);
std::optional<Report> keptReport(const QString& place, const QString& compressed);

struct LimitRow {
    QString name, value, limit;
    bool passed = false;
};
/// Of the certificate's gate, for display.
std::vector<LimitRow> limitsOf(const Json& certificate);

} // namespace sa::ui
