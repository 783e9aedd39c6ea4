// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/jobs/output_folder.h"

#include "core/base/staged_folder.h"
#include "ui/jobs/bundled_files.h"
#include "ui/text.h"

#include <QCoreApplication>
#include <QDir>
#include <QFileInfo>
#include <QStandardPaths>

namespace sa::ui
{

namespace
{

constexpr int kMaxNumber = 999;

QString tr(const char* text)
{
    return QCoreApplication::translate("sa::ui::OutputFolder", text);
}

bool hasUnfinishedRun(const QString& path)
{
    return QFileInfo::exists(fromUtf8(StagedFolder::unfinishedRoot(toUtf8(path))));
}

bool isFree(const QString& path)
{
    const QFileInfo info(path);
    return !info.exists() && !info.isSymLink() && !hasUnfinishedRun(path);
}

QString freeName(const QString& path)
{
    if (isFree(path))
        return path;
    for (int number = 2; number <= kMaxNumber; ++number)
        if (const QString next = QStringLiteral("%1-%2").arg(path, QString::number(number)); isFree(next))
            return next;
    return path;
}

} // namespace

OutputVerdict checkOutputFolder(const QString& path)
{
    if (path.trimmed().isEmpty())
        return {false, tr("Choose where the compressed model shall go.")};
    if (!QDir::isAbsolutePath(path))
        return {false, tr("Give the full path, from the root of the file system.")};
    const QFileInfo target(path);
    if (target.exists() && !target.isDir())
        return {false, tr("There is a file of this name. Choose another one.")};
    if (target.isDir() && !QDir(path).isEmpty(QDir::AllEntries | QDir::Hidden | QDir::System | QDir::NoDotAndDotDot))
        return {false, tr("This folder is not empty. Nothing is ever overwritten: choose another name.")};
    if (hasUnfinishedRun(path))
        return {false, tr("An unfinished run waits for this folder: resume or discard it where the model is shown, or "
                          "choose another name.")};
    const QFileInfo parent(target.absolutePath());
    if (!parent.isDir())
        return {false, tr("The folder around it does not exist.")};
    if (!parent.isWritable())
        return {false, tr("You may not write there. Choose another place.")};
    return {true, target.isDir() ? tr("The folder is empty and will be filled when the run has succeeded.")
                                 : tr("The folder appears, whole, when the run has succeeded.")};
}

QString suggestOutputFolder(const QString& model, const QString& mode, const QString& bits)
{
    const QFileInfo info(QDir::cleanPath(model));
    const QString name = QStringLiteral("%1-%2-%3bit").arg(info.fileName(), mode, bits);
    const bool beside = QFileInfo(info.absolutePath()).isWritable() && !isBundled(model);
    QString folder = info.absolutePath();
    if (!beside) {
        folder = QStandardPaths::writableLocation(QStandardPaths::DocumentsLocation);
        if (!QFileInfo(folder).isDir())
            folder = QDir::homePath();
    }
    return freeName(QDir(folder).filePath(name));
}

QString modelFolderOf(const QString& path)
{
    const QFileInfo info(path);
    return QDir::cleanPath(info.exists() && !info.isDir() ? info.absolutePath() : info.absoluteFilePath());
}

} // namespace sa::ui
