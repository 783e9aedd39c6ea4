// SPDX-License-Identifier: GPL-3.0-or-later
// Conversations on disk: a folder of JSON files, each written whole or not at all. Everything here asks the file
// system: pool threads only.
#pragma once

#include "ui/compare/conversation.h"

#include <QStringList>

namespace sa::ui
{

struct HistoryEntry {
    QString id, title;
    QDateTime created;
    std::array<QString, 2> models;
    int turns = 0;
};

struct History {
    std::vector<HistoryEntry> entries; ///< the newest first
    std::vector<Error> damaged;        ///< files that cannot be read; they stay where they are
};

/// Beside the settings file, or in the user's data.
QString chatsFolder(const QString& settingsFile);
/// A name that no conversation of the folder has.
QString newConversationId(const QDateTime& created);
/// Makes the folder when it is missing.
Result<void> saveConversation(const QString& folder, const Conversation& conversation);
Result<Conversation> loadConversation(const QString& folder, const QString& id);
Result<void> removeConversation(const QString& folder, const QString& id);
/// At most the newest 50.
History readHistory(const QString& folder);

} // namespace sa::ui
