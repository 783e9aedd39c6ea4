// SPDX-License-Identifier: GPL-3.0-or-later
// Where a run may write, and what it would find there. All of it asks the file system: pool threads only.
#pragma once

#include <QString>

namespace sa::ui
{

struct OutputVerdict {
    bool usable = false;
    QString text; ///< one sentence for the form
};

/// Exists and holds something, lies in no folder, cannot be written, or is fine.
OutputVerdict checkOutputFolder(const QString& path);
/// "NAME-lat-3bit" beside the model, or in the user's documents where that place is not for writing; "-2" and so on
/// when the name is taken.
/// `bits` as the name shall have them: "3", or "2.50" for a plan.
QString suggestOutputFolder(const QString& model, const QString& mode, const QString& bits);
/// A folder stays; a file in a model's folder (config.json, a shard) becomes that folder.
QString modelFolderOf(const QString& path);

} // namespace sa::ui
