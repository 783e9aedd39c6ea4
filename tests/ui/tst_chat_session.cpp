// SPDX-License-Identifier: GPL-3.0-or-later
// The conversation's controller against workers that say exactly what a test wants.
#include "tests/ui/ui_fixture.h"
#include "ui/compare/chat_session.h"

#include <QSignalSpy>
#include <QTest>

#include <map>
#include <memory>

using namespace sa;
using namespace sa::ui;

namespace
{

class FakeService final : public JobService
{
public:
    JobId start(const JobSpec& spec) override
    {
        specs.push_back(std::get<GenerateSpec>(spec));
        running = ++last;
        return running;
    }
    void cancel(JobId id) override { cancelled = id; }
    bool isBusy() const override { return running != 0; }

    void say(int id, const std::string& text, std::optional<double> logProbability = -0.5)
    {
        Token token{id, text};
        token.logProbability = logProbability;
        Q_EMIT tokenArrived(running, token);
    }
    void end(const Json& result = {{"tokens_per_second", 10.0}, {"stop", "eos"}})
    {
        Q_EMIT finished(std::exchange(running, 0), result);
    }
    void fail(Errc code, bool died = false)
    {
        Q_EMIT failed(std::exchange(running, 0), {makeError(code, "it went wrong"), died, {}});
    }

    std::vector<GenerateSpec> specs;
    JobId last = 0, running = 0, cancelled = 0;
};

using State = Answer::State;

} // namespace

class TestChatSession : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init();
    void bothSidesStream();
    void tokensAreToldOnceAFrame();
    void eachSideGoesOnWithItsOwnAnswers();
    void theFirstDifferenceIsTold();
    void heldBackTextBelongsToTheLastToken();
    void stopKeepsWhatCame();
    void theSameSeedIsAskedAgain();
    void anotherPromptTakesTheLastOnesPlace();
    void oneSideFailsAndTheOtherGoesOn();
    void aFailedSideAnswersAgainAlone();
    void inTurnOneWorkerServesBoth();
    void stopInTurnStopsBoth();
    void theLeftTextIsScoredByTheRightModel();
    void anotherConversationForgetsWhatRuns();
    void nothingIsAskedWithoutModels();

private:
    Turn lastTurn() const { return m_session->conversation().turns.back(); }
    void frame()
    {
        QSignalSpy arrived(m_session.get(), &ChatSession::tokensArrived);
        QVERIFY(arrived.wait(kPatienceMs));
    }

    std::unique_ptr<FakeService> m_left, m_right;
    std::unique_ptr<ChatSession> m_session;
};

void TestChatSession::init()
{
    failOnWarnings();
    m_session.reset();
    m_left = std::make_unique<FakeService>();
    m_right = std::make_unique<FakeService>();
    m_session = std::make_unique<ChatSession>(std::array<JobService*, 2>{m_left.get(), m_right.get()});
    m_session->setModels({"/models/left", "/models/right"}, true);
}

void TestChatSession::bothSidesStream()
{
    QSignalSpy running(m_session.get(), &ChatSession::runningChanged);
    QSignalSpy finished(m_session.get(), &ChatSession::finished);
    m_session->send("Why?");
    QVERIFY(m_session->isRunning());
    QCOMPARE(m_left->specs.size(), std::size_t(1));
    QCOMPARE(m_right->specs.size(), std::size_t(1));
    QCOMPARE(QString::fromStdString(m_left->specs[0].model), QString("/models/left"));
    QCOMPARE(QString::fromStdString(m_right->specs[0].model), QString("/models/right"));
    QVERIFY(m_left->specs[0].messages == (std::vector<MessageSpec>{{"user", "Why?"}}));
    QCOMPARE(m_left->specs[0].topLogged, ChatSession::kCandidates);
    m_right->say(1, "So");
    m_left->say(1, "So");
    m_left->say(2, " be");
    frame();
    QVERIFY(lastTurn().answers[0].state == State::Writing);
    m_left->end({{"tokens_per_second", 12.5},
                 {"first_token_seconds", 0.25},
                 {"memory", {{"resident_bytes", 1000}}},
                 {"stop", "eos"}});
    QVERIFY(m_session->isRunning());
    m_right->end({{"tokens_per_second", "fast"}, {"memory", 5}});
    QVERIFY(!m_session->isRunning());
    QCOMPARE(running.count(), 2);
    QCOMPARE(finished.count(), 1);
    QCOMPARE(lastTurn().answers[0].text(), QString("So be"));
    QCOMPARE(lastTurn().answers[0].tokensPerSecond, 12.5);
    QCOMPARE(lastTurn().answers[0].firstTokenSeconds, 0.25);
    QCOMPARE(lastTurn().answers[0].memoryBytes, std::uint64_t(1000));
    QVERIFY2(lastTurn().answers[1].state == State::Done, "figures that make no sense are left out, the answer stays");
}

void TestChatSession::tokensAreToldOnceAFrame()
{
    m_session->send("Why?");
    QSignalSpy arrived(m_session.get(), &ChatSession::tokensArrived);
    for (int i = 0; i < 500; ++i)
        m_left->say(i, "x");
    QCOMPARE(arrived.count(), 0);
    frame();
    QCOMPARE(arrived.count(), 1);
    QCOMPARE(arrived[0][2].toInt(), 0);
    m_left->say(1, "y");
    frame();
    QCOMPARE(arrived.count(), 2);
    QCOMPARE(arrived[1][2].toInt(), 500);
}

void TestChatSession::eachSideGoesOnWithItsOwnAnswers()
{
    Sampling sampling;
    sampling.system = QStringLiteral("Be kind.");
    m_session->setSampling(sampling);
    m_session->send("One");
    m_left->say(1, "left answer");
    m_right->say(2, "right answer");
    m_left->end();
    m_right->end();
    m_session->send("Two");
    const std::vector<MessageSpec> left{
        {"system", "Be kind."}, {"user", "One"}, {"assistant", "left answer"}, {"user", "Two"}};
    QVERIFY(m_left->specs.back().messages == left);
    QCOMPARE(QString::fromStdString(m_right->specs.back().messages[2].content), QString("right answer"));
}

void TestChatSession::theFirstDifferenceIsTold()
{
    QSignalSpy found(m_session.get(), &ChatSession::differenceFound);
    m_session->send("Why?");
    for (const int id : {1, 2, 3})
        m_left->say(id, "w");
    m_right->say(1, "w");
    frame();
    QCOMPARE(found.count(), 0);
    m_right->say(2, "w");
    m_right->say(4, "v");
    m_right->say(5, "v");
    frame();
    QCOMPARE(found.count(), 1);
    QCOMPARE(*m_session->difference(0), (Difference{2, 2}));
    QVERIFY(!m_session->difference(1));
}

void TestChatSession::heldBackTextBelongsToTheLastToken()
{
    m_session->send("Why?");
    m_left->say(1, "a");
    m_left->say(2, "");
    frame();
    QSignalSpy arrived(m_session.get(), &ChatSession::tokensArrived);
    m_left->say(2, "\u00e4", std::nullopt);
    m_left->end();
    QCOMPARE(lastTurn().answers[0].tokens.size(), std::size_t(2));
    QCOMPARE(lastTurn().answers[0].text(), QStringLiteral("aä"));
    QCOMPARE(arrived.count(), 1);
    QCOMPARE(arrived[0][2].toInt(), 1);
}

void TestChatSession::stopKeepsWhatCame()
{
    QSignalSpy failed(m_session.get(), &ChatSession::failed);
    m_session->send("Why?");
    m_left->say(1, "Because");
    m_session->stop();
    QCOMPARE(m_left->cancelled, m_left->running);
    QCOMPARE(m_right->cancelled, m_right->running);
    QVERIFY2(m_session->isRunning(), "until the workers have stopped");
    m_left->fail(Errc::Cancelled);
    m_right->fail(Errc::Cancelled);
    QVERIFY(!m_session->isRunning());
    QCOMPARE(failed.count(), 0);
    QVERIFY(lastTurn().answers[0].state == State::Stopped);
    QCOMPARE(lastTurn().answers[0].text(), QString("Because"));
    m_session->send("And?");
    QVERIFY2(m_left->specs.back().messages.size() == 3, "a stopped answer is part of the conversation");
}

void TestChatSession::theSameSeedIsAskedAgain()
{
    Sampling sampling;
    sampling.greedy = false;
    sampling.seed = 77;
    m_session->setSampling(sampling);
    m_session->send("Why?");
    m_left->say(1, "x");
    m_left->end();
    m_right->end();
    m_session->regenerate();
    QCOMPARE(m_left->specs.size(), std::size_t(2));
    QVERIFY(m_left->specs[0] == m_left->specs[1]);
    QVERIFY(m_right->specs[0] == m_right->specs[1]);
    QCOMPARE(m_left->specs[1].seed, std::uint64_t(77));
    QCOMPARE(m_session->conversation().turns.size(), std::size_t(1));
    QVERIFY(lastTurn().answers[0].tokens.empty());
}

void TestChatSession::anotherPromptTakesTheLastOnesPlace()
{
    m_session->send("Why?");
    m_left->say(1, "x");
    m_right->say(2, "y");
    m_left->end();
    m_right->end();
    QVERIFY(m_session->difference(0));
    m_session->replaceLast("Why not?");
    QCOMPARE(m_session->conversation().turns.size(), std::size_t(1));
    QCOMPARE(lastTurn().prompt, QString("Why not?"));
    QVERIFY(!m_session->difference(0));
}

void TestChatSession::oneSideFailsAndTheOtherGoesOn()
{
    QSignalSpy failed(m_session.get(), &ChatSession::failed);
    m_session->send("Why?");
    m_right->say(1, "be");
    m_right->fail(Errc::Internal, true);
    QCOMPARE(failed.count(), 1);
    QCOMPARE(failed[0][0].toInt(), 1);
    QVERIFY(m_session->isRunning());
    m_left->say(1, "be");
    m_left->say(2, "cause");
    m_left->end();
    QVERIFY(!m_session->isRunning());
    QVERIFY(lastTurn().answers[0].state == State::Done);
    QVERIFY(lastTurn().answers[1].state == State::Failed);
    QVERIFY(!lastTurn().answers[1].failure.isEmpty());
    QCOMPARE(lastTurn().answers[1].text(), QString("be"));
}

void TestChatSession::aFailedSideAnswersAgainAlone()
{
    m_session->send("Why?");
    m_left->say(1, "be");
    m_left->end();
    m_right->fail(Errc::Internal, true);
    m_session->retry(1);
    QCOMPARE(m_left->specs.size(), std::size_t(1));
    QCOMPARE(m_right->specs.size(), std::size_t(2));
    m_right->say(9, "no");
    m_right->end();
    QVERIFY(!m_session->isRunning());
    QCOMPARE(lastTurn().answers[0].text(), QString("be"));
    QCOMPARE(*m_session->difference(0), (Difference{0, 0}));
}

void TestChatSession::inTurnOneWorkerServesBoth()
{
    m_session->setInTurn(true);
    m_session->send("Why?");
    QCOMPARE(m_left->specs.size(), std::size_t(1));
    QVERIFY(lastTurn().answers[1].state == State::Waiting);
    m_left->say(1, "be");
    m_left->end();
    QCOMPARE(m_left->specs.size(), std::size_t(2));
    QCOMPARE(QString::fromStdString(m_left->specs[1].model), QString("/models/right"));
    m_left->say(2, "so");
    m_left->end();
    QVERIFY2(m_right->specs.empty(), "one process holds at most one model");
    QCOMPARE(lastTurn().answers[1].text(), QString("so"));
    QVERIFY(!m_session->isRunning());
}

void TestChatSession::stopInTurnStopsBoth()
{
    m_session->setInTurn(true);
    m_session->send("Why?");
    m_session->stop();
    m_left->fail(Errc::Cancelled);
    QVERIFY(!m_session->isRunning());
    QCOMPARE(m_left->specs.size(), std::size_t(1));
    QVERIFY(lastTurn().answers[1].state == State::Stopped);
}

void TestChatSession::theLeftTextIsScoredByTheRightModel()
{
    m_session->send("Why?");
    QVERIFY(!m_session->canForce());
    m_left->say(11, "be");
    m_left->say(12, "cause");
    m_right->say(13, "no");
    m_left->end();
    m_right->end();
    QVERIFY(m_session->canForce());
    QSignalSpy changed(m_session.get(), &ChatSession::forcedChanged);
    m_session->force();
    const GenerateSpec spec = m_right->specs.back();
    QVERIFY(spec.forceIds == (std::vector<std::int32_t>{11, 12}));
    QCOMPARE(QString::fromStdString(spec.model), QString("/models/right"));
    QCOMPARE(QString::fromStdString(spec.reference), QString("/models/left"));
    QVERIFY(spec.messages == m_left->specs.back().messages);
    for (const int id : {11, 12, 12}) // one more than there is
        m_right->say(id, "w");
    m_right->end();
    QVERIFY(!m_session->isRunning());
    QVERIFY(changed.count() >= 2);
    QCOMPARE(lastTurn().forced.tokens.size(), std::size_t(2));
    QVERIFY(lastTurn().forced.state == State::Done);
    QCOMPARE(lastTurn().answers[0].text(), QString("because"));
}

void TestChatSession::anotherConversationForgetsWhatRuns()
{
    m_session->send("Why?");
    m_left->say(1, "x");
    Conversation other;
    other.id = QStringLiteral("other");
    other.turns.push_back({QStringLiteral("Old"), {}, {}});
    m_session->setConversation(other);
    QVERIFY(!m_session->isRunning());
    QCOMPARE(m_left->cancelled, m_left->running);
    m_left->say(2, "late");
    m_left->end();
    QTest::qWait(40);
    QVERIFY(m_session->conversation().turns[0].answers[0].tokens.empty());
}

void TestChatSession::nothingIsAskedWithoutModels()
{
    m_session->setModels({"/models/left", ""}, true);
    QVERIFY(!m_session->canSend());
    m_session->send("Why?");
    m_session->regenerate();
    m_session->force();
    QVERIFY(m_left->specs.empty());
    m_session->setModels({"/models/left", "/models/right"}, true);
    m_session->send("  \n ");
    QVERIFY(m_session->conversation().turns.empty());
}

QTEST_GUILESS_MAIN(TestChatSession)
#include "tst_chat_session.moc"
