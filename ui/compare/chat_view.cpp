// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/compare/chat_view.h"

#include "ui/compare/candidate_columns.h"
#include "ui/compare/chat_pane.h"
#include "ui/compare/composer.h"
#include "ui/compare/divergence_card.h"
#include "ui/compare/sampling_bar.h"
#include "ui/text.h"
#include "ui/widgets/parts.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QPlainTextEdit>

#include <cmath>

namespace sa::ui
{

ChatView::ChatView(ChatSession& session, QWidget* parent)
    : QWidget(parent)
    , m_session(session)
{
    m_sampling = new SamplingBar(this);
    m_panes = {new ChatPane(tr("Left"), this), new ChatPane(tr("Right"), this)};
    m_divergence = new DivergenceCard(this);
    m_divergence->hide();
    m_composer = new Composer(this);
    m_candidates = new CandidateCard(this);
    setFocusProxy(m_composer->box());

    auto* panes = new QHBoxLayout;
    tighten(panes, space::kMedium);
    for (ChatPane* pane : m_panes)
        panes->addWidget(pane, 1);
    auto* layout = new QVBoxLayout(this);
    tighten(layout, space::kMedium);
    layout->addWidget(m_sampling);
    layout->addLayout(panes, 1);
    layout->addWidget(m_divergence);
    layout->addWidget(m_composer);

    connectSession();
    connectPanes();
    connectComposer();
    connect(m_sampling, &SamplingBar::samplingChanged, this, [this] { m_session.setSampling(m_sampling->sampling()); });
    connect(m_divergence, &DivergenceCard::pointed, this, [this](int token) {
        const TokenPlace place{2 * lastTurn() + 1, token};
        m_panes[0]->view()->reveal(place);
        pointAt(0, place);
    });
    connect(m_divergence, &DivergenceCard::closeRequested, m_divergence, &QWidget::hide);
    m_session.setSampling(m_sampling->sampling());
    refreshComposer();
}

void ChatView::connectSession()
{
    connect(&m_session, &ChatSession::conversationReplaced, this, &ChatView::showAll);
    connect(&m_session, &ChatSession::turnsChanged, this, [this] {
        pointAt(0, {});
        m_divergence->hide();
        for (int side = 0; side < 2; ++side) {
            pane(side)->showTurn(m_session.conversation().turns.back(), lastTurn(), side);
            showAnswer(side, lastTurn());
        }
        refreshComposer();
    });
    connect(&m_session, &ChatSession::tokensArrived, this, [this](int side, int turn, int first) {
        const auto& answers = m_session.conversation().turns[static_cast<std::size_t>(turn)].answers;
        pane(side)->showTokens(answers[static_cast<std::size_t>(side)], turn, first);
        if (first == 0)
            showAnswer(side, turn);
    });
    connect(&m_session, &ChatSession::answerChanged, this, &ChatView::showAnswer);
    connect(&m_session, &ChatSession::differenceFound, this, [this](int turn) {
        const auto difference = m_session.difference(turn);
        for (int side = 0; side < 2 && difference; ++side)
            pane(side)->showDifference(turn, (*difference)[static_cast<std::size_t>(side)]);
        refreshComposer();
    });
    connect(&m_session, &ChatSession::forcedChanged, this, [this] {
        m_divergence->show();
        refreshDivergence();
    });
    connect(&m_session, &ChatSession::runningChanged, this, [this] { refreshComposer(); });
    connect(&m_session, &ChatSession::failed, this, [this](int side, const JobFailure& failure) {
        pane(side)->showFailure(m_session.isForcing() ? tr("The text could not be scored")
                                : failure.workerDied  ? tr("The worker of this model ended")
                                                      : tr("This model could not answer"),
                                failure);
    });
}

void ChatView::connectPanes()
{
    for (int side = 0; side < 2; ++side) {
        ChatPane* const pane = m_panes[static_cast<std::size_t>(side)];
        connect(pane, &ChatPane::pointed, this, [this, side](const TokenPlace& place) { pointAt(side, place); });
        connect(pane, &ChatPane::copyRequested, this, [this, side] { copyAnswer(side); });
        connect(pane, &ChatPane::retryRequested, this, [this, side] { m_session.retry(side); });
        connect(pane, &ChatPane::changeRequested, this,
                [this, side](const QPoint& position) { Q_EMIT changeModelRequested(side, position); });
    }
}

void ChatView::connectComposer()
{
    connect(m_composer, &Composer::sendRequested, this, [this](const QString& prompt, bool replacesLast) {
        if (replacesLast)
            m_session.replaceLast(prompt);
        else
            m_session.send(prompt);
    });
    connect(m_composer, &Composer::stopRequested, this, [this] { m_session.stop(); });
    connect(m_composer, &Composer::regenerateRequested, this, [this] { m_session.regenerate(); });
    connect(m_composer, &Composer::forceRequested, this, [this] { m_session.force(); });
    connect(m_composer, &Composer::differenceRequested, this, &ChatView::showFirstDifference);
    connect(m_composer, &Composer::editRequested, this, [this] {
        if (lastTurn() >= 0)
            m_composer->startEditing(m_session.conversation().turns.back().prompt);
    });
}

void ChatView::showAll()
{
    pointAt(0, {});
    m_sampling->setSampling(m_session.conversation().sampling);
    for (int side = 0; side < 2; ++side) {
        pane(side)->showConversation(m_session.conversation(), side);
        for (int turn = 0; turn <= lastTurn(); ++turn)
            if (const auto difference = m_session.difference(turn))
                pane(side)->showDifference(turn, (*difference)[static_cast<std::size_t>(side)]);
    }
    const bool scored = lastTurn() >= 0 && !m_session.conversation().turns.back().forced.tokens.empty();
    m_divergence->setVisible(scored);
    if (scored)
        refreshDivergence();
    refreshComposer();
}

void ChatView::showAnswer(int side, int turn)
{
    const auto& answers = m_session.conversation().turns[static_cast<std::size_t>(turn)].answers;
    const bool otherFirst = m_session.isInTurn() && side == 1 && answers[0].isRunning();
    pane(side)->showAnswer(answers[static_cast<std::size_t>(side)], turn, turn == lastTurn(), otherFirst);
}

void ChatView::setObstacle(const QString& text)
{
    m_obstacle = text;
    refreshComposer();
}

void ChatView::refreshComposer()
{
    Composer::State state;
    state.running = m_session.isRunning();
    state.canSend = m_session.canSend() && m_obstacle.isEmpty();
    state.hasTurn = lastTurn() >= 0;
    state.canForce = m_session.canForce() && m_obstacle.isEmpty();
    state.hasDifference = m_session.difference(lastTurn()).has_value();
    state.whyNot = m_obstacle;
    if (state.whyNot.isEmpty() && state.hasTurn) {
        const auto difference = m_session.difference(lastTurn());
        const auto& answers = m_session.conversation().turns.back().answers;
        if (difference)
            state.whyNot = tr("They part at token %1").arg(countText((*difference)[0] + 1));
        else if (!state.running && !answers[0].tokens.empty() && !answers[1].tokens.empty())
            state.whyNot = tr("Both said the same");
    }
    m_composer->setState(state);
    m_sampling->setEnabled(!state.running);
    for (ChatPane* pane : m_panes)
        pane->setIdle(!state.running);
}

void ChatView::refreshDivergence()
{
    if (lastTurn() < 0)
        return;
    const auto difference = m_session.difference(lastTurn());
    m_divergence->showTurn(m_session.conversation().turns.back(),
                           difference ? std::optional<int>((*difference)[0]) : std::nullopt);
}

void ChatView::copyAnswer(int side) const
{
    if (lastTurn() >= 0)
        QGuiApplication::clipboard()->setText(
            m_session.conversation().turns.back().answers[static_cast<std::size_t>(side)].text());
}

void ChatView::showFirstDifference()
{
    const auto difference = m_session.difference(lastTurn());
    if (!difference)
        return;
    for (int side = 0; side < 2; ++side)
        pane(side)->view()->reveal({2 * lastTurn() + 1, (*difference)[static_cast<std::size_t>(side)]});
    pane(0)->view()->setFocus();
    pointAt(0, {2 * lastTurn() + 1, (*difference)[0]});
}

void ChatView::pointAt(int side, const TokenPlace& place)
{
    const auto turn = static_cast<std::size_t>(std::max(0, place.block / 2));
    const auto& turns = m_session.conversation().turns;
    if (!place.isValid() || turn >= turns.size()) {
        for (ChatPane* pane : m_panes)
            pane->view()->setCurrent({});
        m_divergence->highlight(-1);
        m_candidates->hide();
        return;
    }
    const auto difference = m_session.difference(static_cast<int>(turn));
    const auto columns =
        candidateColumns(turns[turn], {pane(0)->modelName(), pane(1)->modelName()}, side, place.token, difference);
    const auto own = static_cast<std::size_t>(side);
    const bool sameBefore = !difference || place.token <= (*difference)[own];
    pane(side)->view()->setCurrent(place);
    pane(1 - side)->view()->setCurrent(sameBefore ? place : TokenPlace{});
    m_divergence->highlight(side == 0 && static_cast<int>(turn) == lastTurn() ? place.token : -1);

    QString heading = tr("Token %1, likeliest first: share and log-probability").arg(countText(place.token + 1));
    const auto& forced = turns[turn].forced.tokens;
    const auto at = static_cast<std::size_t>(place.token);
    if (side == 0 && at < forced.size() && std::isfinite(forced[at].divergence))
        heading += tr("  ·  KL %1").arg(significantText(forced[at].divergence, 3));
    TokenView* view = pane(side)->view();
    const QRect rect = view->rectOf(place);
    if (rect.isEmpty())
        return m_candidates->hide();
    m_candidates->showAt(QRect(view->mapTo(this, rect.topLeft()), rect.size()), heading, columns);
    view->setAccessibleDescription(m_candidates->text());
}

} // namespace sa::ui
