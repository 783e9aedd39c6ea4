// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/compare/chat_history.h"

#include "core/base/atomic_file.h"
#include "ui/text.h"

#include <QDir>
#include <QFileInfo>
#include <QRandomGenerator>
#include <QStandardPaths>

namespace sa::ui
{

namespace
{

constexpr int kMaxEntries = 50;
constexpr json::Limits kFileLimits{64u << 20, 16};
const QString kEnding = QStringLiteral(".json");

QString pathOf(const QString& folder, const QString& id)
{
    return folder + u'/' + id + kEnding;
}

} // namespace

QString chatsFolder(const QString& settingsFile)
{
    const QString place = settingsFile.isEmpty()
                              ? QStandardPaths::writableLocation(QStandardPaths::AppLocalDataLocation)
                              : QFileInfo(settingsFile).absolutePath();
    return place + QStringLiteral("/chats");
}

QString newConversationId(const QDateTime& created)
{
    return created.toUTC().toString(QStringLiteral("yyyyMMdd-HHmmss-zzz")) +
           QStringLiteral("-%1").arg(QRandomGenerator::global()->bounded(0x10000), 4, 16, QChar(u'0'));
}

Result<void> saveConversation(const QString& folder, const Conversation& conversation)
{
    if (!QDir().mkpath(folder))
        return makeError(Errc::Io, "the folder of the conversations cannot be made").in(toUtf8(folder));
    return writeFileAtomic(toUtf8(pathOf(folder, conversation.id)), json::dump(toJson(conversation)));
}

Result<Conversation> loadConversation(const QString& folder, const QString& id)
{
    const std::string path = toUtf8(pathOf(folder, id));
    SA_TRY(const Json value, json::parseFile(path, kFileLimits));
    SA_TRY(Conversation conversation, parseConversation(value, path));
    conversation.id = id;
    return conversation;
}

Result<void> removeConversation(const QString& folder, const QString& id)
{
    const QString path = pathOf(folder, id);
    if (!QFile::exists(path) || QFile::remove(path))
        return {};
    return makeError(Errc::Io, "the conversation cannot be removed").in(toUtf8(path));
}

History readHistory(const QString& folder)
{
    History history;
    const QStringList names =
        QDir(folder).entryList({QStringLiteral("*.json")}, QDir::Files, QDir::Name | QDir::Reversed);
    for (const QString& name : names.mid(0, kMaxEntries)) {
        const QString id = name.chopped(kEnding.size());
        auto conversation = loadConversation(folder, id);
        if (!conversation) {
            history.damaged.push_back(std::move(conversation).error());
            continue;
        }
        history.entries.push_back({id, conversation->title(), conversation->created, conversation->models,
                                   static_cast<int>(conversation->turns.size())});
    }
    return history;
}

} // namespace sa::ui
