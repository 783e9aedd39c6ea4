// SPDX-License-Identifier: GPL-3.0-or-later
// Tiny files and folders for the checkpoint tests, right ones and wrong ones.
#pragma once

#include "core/base/error.h"

#include <QByteArray>
#include <QDir>
#include <QFile>
#include <QString>
#include <QTest>

#include <cstdint>
#include <cstring>
#include <string>

namespace test
{

inline QByteArray littleEndian64(std::uint64_t value)
{
    QByteArray out(8, '\0');
    std::memcpy(out.data(), &value, 8);
    return out;
}

/// A safetensors file of a header as given (padded with spaces to 8 bytes at least) and data.
inline QByteArray container(QByteArray header, const QByteArray& data = {})
{
    while (header.size() < 8)
        header += ' ';
    return littleEndian64(static_cast<std::uint64_t>(header.size())) + header + data;
}

/// {"a":{...}} with the three fields as JSON text.
inline QByteArray entry(const QByteArray& name, const QByteArray& dtype, const QByteArray& shape,
                        const QByteArray& offsets)
{
    return "\"" + name + "\":{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

/// Bytes 1, 2, 3, ...: finite in every float type for short lengths, and no two places look alike.
inline QByteArray counting(int count)
{
    QByteArray out(count, '\0');
    for (int i = 0; i < count; ++i)
        out[i] = static_cast<char>(1 + i % 60);
    return out;
}

/// A valid file of F16 vectors: names[i] has 4 elements.
inline QByteArray vectors(const QList<QByteArray>& names)
{
    QByteArray header = "{";
    for (int i = 0; i < names.size(); ++i)
        header +=
            (i == 0 ? "" : ",") + entry(names[i], "\"F16\"", "[4]",
                                        "[" + QByteArray::number(8 * i) + "," + QByteArray::number(8 * i + 8) + "]");
    return container(header + "}", counting(static_cast<int>(8 * names.size())));
}

/// Removes an older file first: truncating one makes some file systems write it out at once, thousands of times here.
inline bool writeFile(const QString& path, const QByteArray& bytes)
{
    QFile file(path);
    file.remove();
    return file.open(QIODevice::WriteOnly) && file.write(bytes) == bytes.size();
}

inline QByteArray readFile(const QString& path)
{
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

inline QString describe(const sa::Error& error)
{
    return QString::fromLatin1(sa::name(error.code)) + ": " + QString::fromStdString(error.sentence());
}

/// A message for people: names the file, is not endless, and carries no raw control characters.
inline void checkReadable(const sa::Error& error, const QString& file)
{
    const QString text = QString::fromStdString(error.sentence());
    QVERIFY2(text.contains(file), qPrintable(text));
    QVERIFY2(text.size() < 4096, qPrintable(QString::number(text.size())));
    for (const QChar c : text)
        QVERIFY2(c.unicode() >= 0x20 && c.unicode() != 0x7F, qPrintable(text));
    QVERIFY2(error.where.size() <= 1024, qPrintable(QString::number(error.where.size())));
    QVERIFY2(error.found.size() <= 1024, qPrintable(QString::number(error.found.size())));
}

} // namespace test
