// SPDX-License-Identifier: GPL-3.0-or-later
// The window's part in the Chat page: what it offers it, and what it hears from it.
#include "ui/compare/chat_page.h"
#include "ui/main_window.h"
#include "ui/pages/run_page.h"
#include "ui/text.h"

#include <QStackedWidget>

namespace sa::ui
{

void MainWindow::makeChatPage()
{
    m_chatPage = new ChatPage({m_options.worker, m_options.timing, chatsFolder(m_options.settingsFile)}, this);
    m_pages->addWidget(m_chatPage);
    connectWorker(m_chatPage->worker(0), tr("left model"));
    connectWorker(m_chatPage->worker(1), tr("right model"));
    connect(m_runPage->run(), &CompressionRun::finished, this, [this] {
        const RunPlan plan = m_runPage->run()->plan();
        m_chatPage->suggestPair(fromUtf8(plan.quantize.model), fromUtf8(plan.quantize.out));
    });
}

void MainWindow::showChatPage()
{
    m_chatAction->trigger();
}

} // namespace sa::ui
