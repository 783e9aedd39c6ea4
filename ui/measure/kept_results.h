// SPDX-License-Identifier: GPL-3.0-or-later
// What was measured of a pair of models, kept between sessions: a JSON file a pair and kind, with what the folders
// looked like when it was measured. All of it asks the file system: pool threads only.
#pragma once

#include "core/base/json.h"

#include <QDateTime>
#include <QString>
#include <QStringList>

#include <optional>

namespace sa::ui
{

/// Names, sizes and times of a folder's files; another text when one of them was written since. Empty: no such folder.
QString folderStamp(const QString& folder);
QStringList folderStamps(const QStringList& folders);

struct KeptResult {
    Json value;
    QDateTime measured;
    bool stale = false; ///< a folder changed since, or is gone
};

/// `kind`: "latency", "report". `stamps`: of the folders, taken before the measurement began. Makes `place` when it is
/// missing.
Result<void> keepResult(const QString& place, const QString& kind, const QStringList& folders,
                        const QStringList& stamps, const Json& value);
/// Nothing where there is none, or none that can be read.
std::optional<KeptResult> keptResult(const QString& place, const QString& kind, const QStringList& folders);

} // namespace sa::ui
