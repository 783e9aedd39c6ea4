// SPDX-License-Identifier: GPL-3.0-or-later
// The Chat page's earlier conversations: saved when an answer ends, listed in a menu.
#include "ui/async.h"
#include "ui/compare/chat_page.h"
#include "ui/compare/chat_session.h"
#include "ui/compare/chat_view.h"
#include "ui/text.h"
#include "ui/widgets/banner.h"

#include <QFileInfo>
#include <QLocale>
#include <QMenu>

namespace sa::ui
{

namespace
{

constexpr std::size_t kShownEntries = 15;

} // namespace

/// Written on a pool thread; the value is a copy, so the conversation may go on.
void ChatPage::save()
{
    if (m_session->conversation().turns.empty())
        return;
    inBackground(
        this,
        [folder = m_options.chatsFolder, conversation = m_session->conversation()] {
            return errorOf(saveConversation(folder, conversation));
        },
        [this](const std::optional<Error>& error) {
            if (error)
                m_banner->showError(tr("The conversation could not be saved"), *error);
            refreshHistory();
        });
}

void ChatPage::refreshHistory()
{
    const quint64 generation = ++m_historyGeneration;
    inBackground(
        this, [folder = m_options.chatsFolder] { return std::make_shared<History>(readHistory(folder)); },
        [this, generation](const std::shared_ptr<History>& history) {
            if (generation != m_historyGeneration)
                return;
            m_history = std::move(*history);
            Q_EMIT historyChanged();
        });
}

void ChatPage::fillHistoryMenu()
{
    m_menu->clear();
    for (std::size_t i = 0; i < m_history.entries.size() && i < kShownEntries; ++i) {
        const HistoryEntry& entry = m_history.entries[i];
        QAction* action = m_menu->addAction(withoutMnemonics(
            tr("%1   –   %2")
                .arg(shown(entry.title, 80), QLocale().toString(entry.created.toLocalTime(), QLocale::ShortFormat))));
        action->setToolTip(plainToolTip(
            tr("%1 and %2").arg(QFileInfo(entry.models[0]).fileName(), QFileInfo(entry.models[1]).fileName())));
        action->setCheckable(true);
        action->setChecked(entry.id == m_session->conversation().id);
        connect(action, &QAction::triggered, this, [this, id = entry.id] { openConversation(id); });
    }
    if (m_history.entries.empty())
        m_menu->addAction(tr("No earlier conversations"))->setEnabled(false);
    if (!m_history.damaged.empty()) {
        m_menu->addSeparator();
        const auto count = static_cast<int>(m_history.damaged.size());
        QAction* action =
            m_menu->addAction(count == 1 ? tr("One file cannot be read…") : tr("%1 files cannot be read…").arg(count));
        connect(action, &QAction::triggered, this, [this] {
            m_banner->showError(tr("An earlier conversation cannot be read"), m_history.damaged.front());
        });
    }
    if (!m_session->conversation().turns.empty()) {
        m_menu->addSeparator();
        connect(m_menu->addAction(tr("Remove this conversation")), &QAction::triggered, this, [this] {
            const QString id = m_session->conversation().id;
            startNew();
            inBackground(
                this, [folder = m_options.chatsFolder, id] { return errorOf(removeConversation(folder, id)); },
                [this](const std::optional<Error>& error) {
                    if (error)
                        m_banner->showError(tr("The conversation could not be removed"), *error);
                    refreshHistory();
                });
        });
    }
}

void ChatPage::startNew()
{
    if (m_session->isRunning())
        return;
    m_banner->dismiss();
    m_session->clear();
    refreshSides();
}

void ChatPage::openConversation(const QString& id)
{
    if (m_session->isRunning())
        return;
    inBackground(
        this,
        [folder = m_options.chatsFolder, id] {
            return std::make_shared<Result<Conversation>>(loadConversation(folder, id));
        },
        [this](const std::shared_ptr<Result<Conversation>>& loaded) {
            if (m_session->isRunning())
                return;
            if (!*loaded)
                return m_banner->showError(tr("This conversation cannot be read"), loaded->error());
            Conversation conversation = *std::move(*loaded);
            const auto models = conversation.models;
            m_session->setConversation(std::move(conversation));
            for (int number = 0; number < 2; ++number)
                chooseModel(number, models[static_cast<std::size_t>(number)]);
            refreshSides();
        });
}

} // namespace sa::ui
