// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/jobs/bundled_files.h"

#include "core/base/resources.h"
#include "ui/text.h"

#include <QFileInfo>

namespace sa::ui
{

QString bundledSampleModel()
{
    return fromUtf8(resourcePath("sample-model"));
}

QString bundledEvaluationText()
{
    return fromUtf8(resourcePath("sample-text/evaluation.raw.txt"));
}

bool isRawWikiText(const QString& path)
{
    return QFileInfo(path).fileName().contains(QLatin1String(".raw"));
}

bool isBundled(const QString& path)
{
    const QString sample = bundledSampleModel();
    if (sample.isEmpty())
        return false;
    const QString root = QFileInfo(QFileInfo(sample).canonicalFilePath()).path();
    const QString place = QFileInfo(path).canonicalFilePath();
    return place == root || place.startsWith(root + u'/');
}

} // namespace sa::ui
