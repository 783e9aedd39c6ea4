// SPDX-License-Identifier: GPL-3.0-or-later
// Two models that answer the same prompts: owns the conversation, starts the jobs, collects their tokens. No widgets.
#pragma once

#include "ui/compare/conversation.h"
#include "ui/compare/token_compare.h"
#include "ui/jobs/single_job.h"

#include <QElapsedTimer>
#include <QTimer>

namespace sa::ui
{

class ChatSession final : public QObject
{
    Q_OBJECT
public:
    static constexpr int kCandidates = 8; ///< reported with each token

    /// Borrowed: one worker for each side. Both must outlive the session.
    explicit ChatSession(std::array<JobService*, 2> services, QObject* parent = nullptr);

    const Conversation& conversation() const { return m_conversation; }
    /// Takes the place of the conversation; nothing runs afterwards.
    void setConversation(Conversation conversation);
    /// A new one with the same models and sampling.
    void clear();
    void setModels(const std::array<QString, 2>& folders, bool sameVocabulary);
    void setSampling(const Sampling& sampling);
    /// One model after the other, in one worker: no two models are in memory at once.
    void setInTurn(bool inTurn) { m_inTurn = inTurn; }
    bool isInTurn() const { return m_inTurn; }
    /// Of each of two jobs that run at once, 0: all cores.
    void setThreads(int threads) { m_threads = threads; }

    bool canSend() const;
    void send(const QString& prompt);
    /// The last answers anew: with the same seed and sampling they come out the same.
    void regenerate();
    /// Another prompt in place of the last one.
    void replaceLast(const QString& prompt);
    /// One side of the last turn anew, after a failure.
    void retry(int side);
    /// Scores the left answer's tokens with the right model.
    void force();
    bool canForce() const;
    void stop();

    bool isRunning() const;
    bool isForcing() const { return m_forcing; }
    /// Of a turn; nothing while both are the same.
    std::optional<Difference> difference(int turn) const;

Q_SIGNALS:
    void conversationReplaced();
    void turnsChanged(); ///< one was added or replaced; its answers are empty
    /// At most once a frame and side, however many came: those from `first` on are new or changed.
    void tokensArrived(int side, int turn, int first);
    void answerChanged(int side, int turn); ///< its state or figures
    void differenceFound(int turn);
    void forcedChanged(int turn);
    void runningChanged(bool running);
    void failed(int side, const sa::ui::JobFailure& failure);
    void finished(); ///< nothing runs any more: worth saving

private:
    struct Running {
        SingleJob job;
        int turn = -1;
        std::size_t shownTokens = 0;
        QElapsedTimer clock;   ///< since the job was started
        double firstToken = 0; ///< seconds
        bool answering = false;
    };

    Answer& answer(int side) { return m_conversation.turns.back().answers[static_cast<std::size_t>(side)]; }
    int lastTurn() const { return static_cast<int>(m_conversation.turns.size()) - 1; }
    void startTurn();
    void startSide(int side);
    GenerateSpec specFor(int side) const;
    void connectSide(int side);
    void connectForced();
    void onToken(int side, const Token& token);
    void onEnd(int side);
    void flush();
    void rescan(int turn);
    void rebuildFinders();
    void settle();

    std::array<JobService*, 2> m_services;
    Conversation m_conversation;
    std::vector<DifferenceFinder> m_finders; ///< one a turn
    std::array<Running, 2> m_running;
    SingleJob m_forcedJob;
    QTimer m_frame;
    bool m_sameVocabulary = true;
    bool m_inTurn = false;
    bool m_forcing = false;
    bool m_wasRunning = false;
    bool m_forcedFresh = false; ///< tokens that were not told
    int m_threads = 0;
};

} // namespace sa::ui
