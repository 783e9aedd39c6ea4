// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/measure/kept_results.h"

#include "core/base/atomic_file.h"
#include "ui/text.h"

#include <QCryptographicHash>
#include <QDir>

namespace sa::ui
{

namespace
{

constexpr json::Limits kFileLimits{64u << 20, 32};
constexpr int kNameCharacters = 32;

QString fileOf(const QString& place, const QString& kind, const QStringList& folders)
{
    const QByteArray key = folders.join(QChar(u'\n')).toUtf8();
    const QByteArray name = QCryptographicHash::hash(key, QCryptographicHash::Sha256).toHex().left(kNameCharacters);
    return QStringLiteral("%1/%2-%3.json").arg(place, kind, QString::fromLatin1(name));
}

Json toJson(const QStringList& texts)
{
    Json out = Json::array();
    for (const QString& text : texts)
        out.push_back(toUtf8(text));
    return out;
}

} // namespace

QString folderStamp(const QString& folder)
{
    QString text;
    const QDir directory(folder);
    for (const QFileInfo& file : directory.entryInfoList(QDir::Files, QDir::Name))
        text += QStringLiteral("%1 %2 %3\n")
                    .arg(file.fileName())
                    .arg(file.size())
                    .arg(file.lastModified().toMSecsSinceEpoch());
    return text;
}

QStringList folderStamps(const QStringList& folders)
{
    QStringList stamps;
    for (const QString& folder : folders)
        stamps += folderStamp(folder);
    return stamps;
}

Result<void> keepResult(const QString& place, const QString& kind, const QStringList& folders,
                        const QStringList& stamps, const Json& value)
{
    if (!QDir().mkpath(place))
        return makeError(Errc::Io, "the folder of the measurements cannot be made").in(toUtf8(place));
    const Json file{{"folders", toJson(folders)},
                    {"stamps", toJson(stamps)},
                    {"measured", toUtf8(QDateTime::currentDateTimeUtc().toString(Qt::ISODate))},
                    {"result", value}};
    return writeFileAtomic(toUtf8(fileOf(place, kind, folders)), json::dump(file));
}

std::optional<KeptResult> keptResult(const QString& place, const QString& kind, const QStringList& folders)
{
    auto file = json::parseFile(toUtf8(fileOf(place, kind, folders)), kFileLimits);
    if (!file || !file->is_object() || file->value("folders", Json()) != toJson(folders) || !file->contains("result"))
        return std::nullopt;
    KeptResult out;
    out.value = (*file)["result"];
    const Json when = file->value("measured", Json());
    if (when.is_string())
        out.measured = QDateTime::fromString(fromUtf8(when.get<std::string>()), Qt::ISODate);
    out.stale = file->value("stamps", Json()) != toJson(folderStamps(folders));
    return out;
}

} // namespace sa::ui
