// SPDX-License-Identifier: GPL-3.0-or-later
// The Chat page: two models in two worker processes, the conversation with them, and the earlier ones. Its workers are
// its own, so that a compression goes on beside it, and a model that kills its worker takes nothing else along.
#pragma once

#include "ui/compare/chat_history.h"
#include "ui/compare/memory_fit.h"
#include "ui/compare/pair_chooser.h"
#include "ui/jobs/single_job.h"
#include "ui/worker/worker_client.h"

#include <QWidget>

#include <optional>

class QMenu;
class QStackedWidget;
class QToolButton;

namespace sa::ui
{

class Banner;
class ChatSession;
class ChatView;

class ChatPage final : public QWidget
{
    Q_OBJECT
public:
    struct Options {
        WorkerCommand worker;
        WorkerClient::Timing timing;
        QString chatsFolder;
    };

    explicit ChatPage(Options options, QWidget* parent = nullptr);
    ~ChatPage() override;

    /// Offered on the empty page and in the panes' menus.
    void setRecentModels(const QStringList& folders);
    /// The window has opened it: it takes its side unless a conversation is under way.
    void suggest(const ModelSummary& model);
    /// A run has made `packed` of `original`.
    void suggestPair(const QString& original, const QString& packed);
    /// By the user; opens the folder when the page is seen.
    void chooseModel(int side, const QString& folder);

    bool isRunning() const;
    void stop();
    void shutDown();

    ChatSession* session() const { return m_session; }
    ChatView* view() const { return m_view; }
    PairChooser* chooser() const { return m_chooser; }
    Banner* banner() const { return m_banner; }
    WorkerClient* worker(int side) const { return m_workers[static_cast<std::size_t>(side)]; }
    bool showsConversation() const;
    bool isReady() const; ///< both models are open
    const History& history() const { return m_history; }

    void startNew();
    void openConversation(const QString& id);

    /// For tests: as if this much were free; nothing: what the system says.
    void pretendFree(std::optional<std::uint64_t> bytes);

Q_SIGNALS:
    void historyChanged();

protected:
    void showEvent(QShowEvent* event) override;

private:
    struct Side {
        QString folder; ///< wanted
        std::optional<ModelSummary> model;
        SingleJob open;
        bool failed = false;
    };

    Side& side(int number) { return m_sides[static_cast<std::size_t>(number)]; }
    void connectSide(int number);
    void connectSession();
    void openWanted();
    void onOpened(int number, const Json& result);
    void onOpenFailed(int number, const JobFailure& failure);
    void refreshSides();
    void refreshMemory();
    void applyMemory(std::optional<std::uint64_t> available);
    void refreshHistory();
    void save();
    void fillHistoryMenu();
    void browse(int number);
    bool isUnderWay() const;

    Options m_options;
    std::array<WorkerClient*, 2> m_workers{};
    ChatSession* m_session;
    std::array<Side, 2> m_sides;
    Banner* m_banner;
    QStackedWidget* m_stack;
    PairChooser* m_chooser;
    ChatView* m_view;
    QToolButton *m_new, *m_earlier;
    QMenu* m_menu;
    KnownModels* m_known;
    History m_history;
    quint64 m_historyGeneration = 0, m_memoryGeneration = 0;
    std::optional<std::uint64_t> m_pretended;
    bool m_orderChosen = false; ///< at once or in turn, by the user
};

} // namespace sa::ui
