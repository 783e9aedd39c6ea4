// SPDX-License-Identifier: GPL-3.0-or-later
// The files that come with the program: the sample model and the text of the quick check.
#pragma once

#include <QString>

namespace sa::ui
{

QString bundledSampleModel();    ///< empty when it is not installed
QString bundledEvaluationText(); ///< empty when it is not installed
/// By name: a raw WikiText file wants the "raw" join of docs/PROTOCOL.md.
bool isRawWikiText(const QString& path);
/// True for a path inside the program's own files, where nothing should be written. Asks the file system.
bool isBundled(const QString& path);

} // namespace sa::ui
