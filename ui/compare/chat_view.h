// SPDX-License-Identifier: GPL-3.0-or-later
// The conversation on screen: two panes, the prompt below them, the settings above; wires the session to them.
#pragma once

#include "ui/compare/chat_session.h"
#include "ui/compare/token_view.h"

#include <QWidget>

#include <array>

namespace sa::ui
{

class CandidateCard;
class ChatPane;
class Composer;
class DivergenceCard;
class SamplingBar;

class ChatView final : public QWidget
{
    Q_OBJECT
public:
    /// Borrowed; must outlive the view.
    explicit ChatView(ChatSession& session, QWidget* parent = nullptr);

    ChatPane* pane(int side) const { return m_panes[static_cast<std::size_t>(side)]; }
    Composer* composer() const { return m_composer; }
    SamplingBar* samplingBar() const { return m_sampling; }
    CandidateCard* candidates() const { return m_candidates; }
    DivergenceCard* divergence() const { return m_divergence; }

    /// Why nothing can be asked, or empty.
    void setObstacle(const QString& text);
    /// Scrolls both panes to it and shows the candidates there.
    void showFirstDifference();
    /// The candidates at a token of `side`; an invalid place hides them.
    void pointAt(int side, const TokenPlace& place);

Q_SIGNALS:
    void changeModelRequested(int side, const QPoint& globalPosition);

private:
    void connectSession();
    void connectPanes();
    void connectComposer();
    void showAll();
    void showAnswer(int side, int turn);
    void refreshComposer();
    void refreshDivergence();
    void copyAnswer(int side) const;
    int lastTurn() const { return static_cast<int>(m_session.conversation().turns.size()) - 1; }

    ChatSession& m_session;
    SamplingBar* m_sampling;
    std::array<ChatPane*, 2> m_panes{};
    DivergenceCard* m_divergence;
    Composer* m_composer;
    CandidateCard* m_candidates;
    QString m_obstacle;
};

} // namespace sa::ui
