// SPDX-License-Identifier: GPL-3.0-or-later
// Copies of the sample model with one thing wrong, for tests of whole programs.
#pragma once

#include <QByteArray>
#include <QDir>
#include <QDirIterator>
#include <QFile>
#include <QString>
#include <QStringList>

#include <cstring>

inline QString sampleModel()
{
    return QStringLiteral(SA_SOURCE_DIR "/resources/sample-model");
}

inline QString sampleText()
{
    return QStringLiteral(SA_SOURCE_DIR "/resources/sample-text/calibration.txt");
}

inline QByteArray readAll(const QString& path)
{
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly))
        qFatal("cannot read %s", qPrintable(path));
    return file.readAll();
}

inline void writeAll(const QString& path, const QByteArray& bytes)
{
    QFile::remove(path); // it may be a link to the sample
    QFile file(path);
    if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size())
        qFatal("cannot write %s", qPrintable(path));
}

/// A folder of links to the sample's files; a test replaces the one that it breaks.
inline QString linkedModel(const QString& folder)
{
    QDir().mkpath(folder);
    const QDir sample(sampleModel());
    for (const QString& name : sample.entryList(QDir::Files))
        if (!QFile::link(sample.filePath(name), folder + "/" + name))
            qFatal("cannot link %s", qPrintable(name));
    return folder;
}

/// The safetensors header of the sample with `before` replaced by `after` of the same length, so that offsets still
/// hold.
inline QByteArray patchedWeights(const QByteArray& before, const QByteArray& after)
{
    QByteArray bytes = readAll(sampleModel() + "/model.safetensors");
    quint64 headerBytes = 0;
    std::memcpy(&headerBytes, bytes.constData(), sizeof headerBytes);
    const auto place = bytes.indexOf(before);
    if (place < 0 || before.size() != after.size() || place > static_cast<qsizetype>(headerBytes))
        qFatal("the sample's header has no %s", before.constData());
    return bytes.replace(place, before.size(), after);
}

/// Every path below `folder`, with sizes: equal before and after means that nothing was written.
inline QStringList inventory(const QString& folder)
{
    QStringList out;
    QDirIterator iterator(folder, QDir::AllEntries | QDir::Hidden | QDir::System | QDir::NoDotAndDotDot,
                          QDirIterator::Subdirectories);
    while (iterator.hasNext()) {
        iterator.next();
        out << iterator.filePath() + " " + QString::number(iterator.fileInfo().size());
    }
    out.sort();
    return out;
}
