// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/compare/chat_session.h"

#include "ui/compare/chat_history.h"
#include "ui/compare/generate_figures.h"
#include "ui/text.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace sa::ui
{

namespace
{

constexpr int kFrameMs = 16;
constexpr double kFirstSpeedSeconds = 0.2; ///< before that, a speed is a guess

/// Text that was held back (half a character, what might have become a stop text) comes with the last token's number
/// and without figures: it belongs to that token.
bool isRest(const Token& token, const std::vector<ChatToken>& before)
{
    return !before.empty() && before.back().id == token.id && !token.logProbability &&
           !std::isnan(before.back().logProbability);
}

} // namespace

ChatSession::ChatSession(std::array<JobService*, 2> services, QObject* parent)
    : QObject(parent)
    , m_services(services)
{
    m_frame.setSingleShot(true);
    m_frame.setInterval(kFrameMs);
    connect(&m_frame, &QTimer::timeout, this, &ChatSession::flush);
    for (int side = 0; side < 2; ++side)
        connectSide(side);
    connectForced();
    m_conversation.created = QDateTime::currentDateTimeUtc();
    m_conversation.id = newConversationId(m_conversation.created);
}

void ChatSession::connectSide(int side)
{
    SingleJob* job = &m_running[static_cast<std::size_t>(side)].job;
    connect(job, &SingleJob::tokenArrived, this, [this, side](const Token& token) { onToken(side, token); });
    connect(job, &SingleJob::finished, this, [this, side](const Json& result) {
        Answer& target = answer(side);
        target.state = Answer::State::Done;
        takeFigures(result, target);
        // What the worker does not tell: how long the model took to load. Without a figure of it, all is waiting.
        const double waited = m_running[static_cast<std::size_t>(side)].firstToken;
        if (target.firstTokenSeconds > 0)
            target.loadSeconds = std::max(0.0, waited - target.firstTokenSeconds);
        onEnd(side);
    });
    connect(job, &SingleJob::failed, this, [this, side](const JobFailure& failure) {
        Answer& target = answer(side);
        const bool stopped = failure.error.code == Errc::Cancelled;
        target.state = stopped ? Answer::State::Stopped : Answer::State::Failed;
        if (!stopped)
            target.failure = fromUtf8(failure.error.sentence());
        if (!stopped)
            Q_EMIT failed(side, failure);
        onEnd(side);
    });
}

void ChatSession::connectForced()
{
    connect(&m_forcedJob, &SingleJob::tokenArrived, this, [this](const Token& token) {
        if (!m_forcing)
            return;
        Turn& turn = m_conversation.turns.back();
        if (!isRest(token, turn.forced.tokens) && turn.forced.tokens.size() < turn.answers[0].tokens.size())
            turn.forced.tokens.push_back(chatToken(token));
        turn.forced.state = Answer::State::Writing;
        m_forcedFresh = true;
        if (!m_frame.isActive())
            m_frame.start();
    });
    const auto end = [this](Answer::State state, const QString& failure) {
        m_forcing = false;
        Answer& forced = m_conversation.turns.back().forced;
        forced.state = state;
        forced.failure = failure;
        Q_EMIT forcedChanged(lastTurn());
        settle();
    };
    connect(&m_forcedJob, &SingleJob::finished, this, [end](const Json&) { end(Answer::State::Done, {}); });
    connect(&m_forcedJob, &SingleJob::failed, this, [this, end](const JobFailure& failure) {
        if (failure.error.code == Errc::Cancelled)
            return end(Answer::State::Stopped, {});
        Q_EMIT failed(1, failure);
        end(Answer::State::Failed, fromUtf8(failure.error.sentence()));
    });
}

void ChatSession::setConversation(Conversation conversation)
{
    for (Running& running : m_running) {
        running.job.forget();
        running.answering = false;
    }
    m_forcedJob.forget();
    m_forcing = false;
    m_frame.stop();
    m_conversation = std::move(conversation);
    rebuildFinders();
    Q_EMIT conversationReplaced();
    if (std::exchange(m_wasRunning, false))
        Q_EMIT runningChanged(false);
}

void ChatSession::clear()
{
    Conversation fresh;
    fresh.created = QDateTime::currentDateTimeUtc();
    fresh.id = newConversationId(fresh.created);
    fresh.models = m_conversation.models;
    fresh.sampling = m_conversation.sampling;
    setConversation(std::move(fresh));
}

void ChatSession::setModels(const std::array<QString, 2>& folders, bool sameVocabulary)
{
    m_conversation.models = folders;
    if (std::exchange(m_sameVocabulary, sameVocabulary) == sameVocabulary || isRunning() || m_finders.empty())
        return;
    rebuildFinders();
    Q_EMIT conversationReplaced();
}

void ChatSession::rebuildFinders()
{
    m_finders.assign(m_conversation.turns.size(), DifferenceFinder(m_sameVocabulary));
    for (std::size_t turn = 0; turn < m_conversation.turns.size(); ++turn)
        m_finders[turn].update(m_conversation.turns[turn].answers[0].tokens,
                               m_conversation.turns[turn].answers[1].tokens);
}

void ChatSession::setSampling(const Sampling& sampling)
{
    m_conversation.sampling = sampling;
}

bool ChatSession::canSend() const
{
    return !isRunning() && !m_conversation.models[0].isEmpty() && !m_conversation.models[1].isEmpty();
}

void ChatSession::send(const QString& prompt)
{
    if (!canSend() || prompt.trimmed().isEmpty())
        return;
    m_conversation.turns.push_back({prompt, {}, {}});
    startTurn();
}

void ChatSession::regenerate()
{
    if (canSend() && !m_conversation.turns.empty())
        replaceLast(m_conversation.turns.back().prompt);
}

void ChatSession::replaceLast(const QString& prompt)
{
    if (!canSend() || m_conversation.turns.empty() || prompt.trimmed().isEmpty())
        return;
    m_conversation.turns.back() = {prompt, {}, {}};
    startTurn();
}

void ChatSession::startTurn()
{
    m_finders.resize(m_conversation.turns.size(), DifferenceFinder(m_sameVocabulary));
    m_finders.back() = DifferenceFinder(m_sameVocabulary);
    for (int side = 0; side < 2; ++side) {
        answer(side).state = Answer::State::Waiting;
        m_running[static_cast<std::size_t>(side)].turn = lastTurn();
        m_running[static_cast<std::size_t>(side)].answering = true;
    }
    Q_EMIT turnsChanged();
    startSide(0);
    if (!m_inTurn)
        startSide(1);
    settle();
}

void ChatSession::retry(int side)
{
    if (!canSend() || m_conversation.turns.empty())
        return;
    answer(side) = {};
    answer(side).state = Answer::State::Waiting;
    m_conversation.turns.back().forced = {};
    m_finders.back() = DifferenceFinder(m_sameVocabulary);
    Running& running = m_running[static_cast<std::size_t>(side)];
    running.turn = lastTurn();
    running.answering = true;
    Q_EMIT turnsChanged();
    startSide(side);
    settle();
}

GenerateSpec ChatSession::specFor(int side) const
{
    const Sampling& sampling = m_conversation.sampling;
    GenerateSpec spec;
    spec.model = toUtf8(m_conversation.models[static_cast<std::size_t>(side)]);
    spec.messages = messagesFor(m_conversation, side, m_conversation.turns.size() - 1);
    spec.maxTokens = sampling.maxTokens;
    spec.greedy = sampling.greedy;
    spec.temperature = sampling.temperature;
    spec.topP = sampling.topP;
    spec.seed = sampling.seed;
    spec.topLogged = kCandidates;
    spec.threads = m_inTurn ? 0 : m_threads;
    return spec;
}

void ChatSession::startSide(int side)
{
    Running& running = m_running[static_cast<std::size_t>(side)];
    running.shownTokens = 0;
    running.clock.start();
    running.job.start(*m_services[m_inTurn ? 0 : static_cast<std::size_t>(side)], specFor(side));
    Q_EMIT answerChanged(side, running.turn);
}

void ChatSession::onToken(int side, const Token& token)
{
    Running& running = m_running[static_cast<std::size_t>(side)];
    Answer& target = answer(side);
    if (target.tokens.empty())
        running.firstToken = static_cast<double>(running.clock.elapsed()) / 1000;
    if (isRest(token, target.tokens)) {
        target.tokens.back().text += fromUtf8(token.text);
        running.shownTokens = std::min(running.shownTokens, target.tokens.size() - 1);
    } else {
        target.tokens.push_back(chatToken(token));
    }
    target.state = Answer::State::Writing;
    if (!m_frame.isActive())
        m_frame.start();
}

/// Tells the views of all that came since the last frame.
void ChatSession::flush()
{
    m_frame.stop();
    for (int side = 0; side < 2; ++side) {
        Running& running = m_running[static_cast<std::size_t>(side)];
        if (!running.answering)
            continue;
        Answer& target = answer(side);
        if (running.shownTokens == target.tokens.size())
            continue;
        const double seconds = static_cast<double>(running.clock.elapsed()) / 1000 - running.firstToken;
        if (target.state == Answer::State::Writing && seconds > kFirstSpeedSeconds)
            target.tokensPerSecond = static_cast<double>(target.tokens.size() - 1) / seconds;
        const std::size_t first = std::exchange(running.shownTokens, target.tokens.size());
        Q_EMIT tokensArrived(side, running.turn, static_cast<int>(first));
    }
    rescan(lastTurn());
    if (std::exchange(m_forcedFresh, false))
        Q_EMIT forcedChanged(lastTurn());
}

void ChatSession::rescan(int turn)
{
    if (turn < 0)
        return;
    const auto at = static_cast<std::size_t>(turn);
    const auto& answers = m_conversation.turns[at].answers;
    if (m_finders[at].update(answers[0].tokens, answers[1].tokens))
        Q_EMIT differenceFound(turn);
}

void ChatSession::onEnd(int side)
{
    flush();
    Running& running = m_running[static_cast<std::size_t>(side)];
    running.answering = false;
    const bool stopped = answer(side).state == Answer::State::Stopped;
    Q_EMIT answerChanged(side, running.turn);
    const bool otherWaits = m_inTurn && side == 0 && m_running[1].answering;
    if (otherWaits && stopped) {
        m_running[1].answering = false;
        answer(1).state = Answer::State::Stopped;
        Q_EMIT answerChanged(1, running.turn);
    } else if (otherWaits) {
        startSide(1);
    }
    settle();
}

bool ChatSession::canForce() const
{
    return canSend() && m_sameVocabulary && !m_conversation.turns.empty() &&
           !m_conversation.turns.back().answers[0].tokens.empty();
}

void ChatSession::force()
{
    if (!canForce())
        return;
    Turn& turn = m_conversation.turns.back();
    turn.forced = {};
    turn.forced.state = Answer::State::Waiting;
    GenerateSpec spec = specFor(0); // the left side's conversation, told to the right model
    spec.model = toUtf8(m_conversation.models[1]);
    spec.forceIds = turn.answers[0].ids();
    spec.threads = 0;
    spec.reference = toUtf8(m_conversation.models[0]); // runs before the other: never both in memory
    m_forcing = true;
    m_forcedJob.start(*m_services[m_inTurn ? 0 : 1], spec);
    Q_EMIT forcedChanged(lastTurn());
    settle();
}

void ChatSession::stop()
{
    m_forcedJob.cancel();
    for (Running& running : m_running)
        running.job.cancel();
}

bool ChatSession::isRunning() const
{
    return m_forcing || m_running[0].answering || m_running[1].answering;
}

std::optional<Difference> ChatSession::difference(int turn) const
{
    if (turn < 0 || turn >= static_cast<int>(m_finders.size()))
        return std::nullopt;
    return m_finders[static_cast<std::size_t>(turn)].found();
}

void ChatSession::settle()
{
    const bool running = isRunning();
    if (running == m_wasRunning)
        return;
    m_wasRunning = running;
    Q_EMIT runningChanged(running);
    if (!running)
        Q_EMIT finished();
}

} // namespace sa::ui
