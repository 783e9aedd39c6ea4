// SPDX-License-Identifier: GPL-3.0-or-later
// Whether two folders are the same.
#pragma once

#include "core/base/sha256.h"

#include <QDir>
#include <QDirIterator>

#include <map>
#include <string>

namespace test
{

/// SHA-256 of every file below `folder`, hidden ones too, by its path inside.
inline std::map<QString, std::string> digestsOf(const QString& folder)
{
    std::map<QString, std::string> out;
    QDirIterator files(folder, QDir::Files | QDir::Hidden, QDirIterator::Subdirectories);
    while (files.hasNext()) {
        const QString path = files.next();
        out[QDir(folder).relativeFilePath(path)] = *sa::sha256OfFile(path.toStdString());
    }
    return out;
}

} // namespace test
