// SPDX-License-Identifier: GPL-3.0-or-later
// The client against a worker that misbehaves in every scripted way.
#include "tests/ui/ui_fixture.h"

#include <QElapsedTimer>

#include <csignal>

using namespace sa;
using namespace sa::ui;

using State = WorkerClient::State;
using StopStage = WorkerClient::StopStage;

class TestWorkerClient : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init() { failOnWarnings(); }
    void aJobRunsToItsResult();
    void theClientStartsTheWorkerOnDemandAndSaysHello();
    void aSecondJobIsRefusedWhileOneRuns();
    void cancelIsAnsweredByTheWorker();
    void theLadderClimbs_data();
    void theLadderClimbs();
    void cancelBeforeTheHelloEndsTheJob();
    void badWorkersAreReported_data();
    void badWorkersAreReported();
    void aNewWorkerServesTheNextJobAfterADeath();
    void aKilledWorkerIsNamedWithItsLastStep();
    void aResultSurvivesACrashAfterIt();
    void strangeMessagesAreIgnoredAndLoggedOnce();
    void silenceIsShownAndDoesNotKill();
    void theEventLoopStaysLiveInAFlood();
    void programsThatCannotStart_data();
    void programsThatCannotStart();
};

void TestWorkerClient::aJobRunsToItsResult()
{
    WorkerClient client(fakeWorker("script"));
    QSignalSpy states(&client, &WorkerClient::stateChanged);
    const JobId id = client.start(quantizeSpec());
    QVERIFY(id > 0);
    JobEnd end(client, id);
    QVERIFY(end.wait());
    QVERIFY(end.result.has_value());
    QCOMPARE(end.layers, 42);
    QVERIFY(end.progresses > 0);
    QCOMPARE(end.result->at("layers").size(), std::size_t(42));
    QCOMPARE(client.state(), State::Ready);
    QList<State> seen;
    for (const auto& arguments : states)
        seen += arguments.first().value<State>();
    QCOMPARE(seen, (QList<State>{State::Starting, State::Ready, State::Busy, State::Ready}));
}

void TestWorkerClient::theClientStartsTheWorkerOnDemandAndSaysHello()
{
    WorkerClient client(fakeWorker("script"));
    QCOMPARE(client.state(), State::NotStarted);
    QVERIFY(!client.hello());
    client.warmUp();
    QTRY_COMPARE_WITH_TIMEOUT(client.state(), State::Ready, kPatienceMs);
    QVERIFY(client.hello());
    QCOMPARE(client.hello()->kernel, std::string("FAKE"));
    const qint64 process = client.processId();
    client.warmUp();
    JobEnd end(client, client.start(OpenSpec{"/models/toy"}));
    QVERIFY(end.wait());
    QCOMPARE(client.processId(), process);
}

void TestWorkerClient::aSecondJobIsRefusedWhileOneRuns()
{
    WorkerClient client(fakeWorker("script"));
    JobEnd first(client, client.start(quantizeSpec()));
    JobEnd second(client, client.start(OpenSpec{"/models/toy"}));
    QVERIFY(second.wait());
    QVERIFY(second.failure);
    QCOMPARE(second.code(), Errc::Usage);
    QVERIFY(first.wait());
    QVERIFY(first.result);
    QCOMPARE(second.ends, 1);
}

void TestWorkerClient::cancelIsAnsweredByTheWorker()
{
    WorkerClient client(fakeWorker("slow"));
    const JobId id = client.start(quantizeSpec());
    JobEnd end(client, id);
    QTRY_VERIFY_WITH_TIMEOUT(end.progresses > 0, kPatienceMs);
    QSignalSpy stages(&client, &WorkerClient::stopStageChanged);
    client.cancel(id);
    QCOMPARE(client.state(), State::Stopping);
    QCOMPARE(client.stopStage(), StopStage::Asked);
    QVERIFY(client.secondsToNextStage() > 0);
    QVERIFY(end.wait());
    QCOMPARE(end.code(), Errc::Cancelled);
    QVERIFY(!end.failure->workerDied);
    QCOMPARE(client.state(), State::Ready);
    QCOMPARE(stages.count(), 3); // asked, heard, none
}

void TestWorkerClient::theLadderClimbs_data()
{
    QTest::addColumn<QString>("mode");
    QTest::addColumn<bool>("answers");
    QTest::addColumn<QList<StopStage>>("rungs");
    QTest::addRow("a worker that ignores cancel ends by SIGTERM")
        << "deaf" << true << QList<StopStage>{StopStage::Asked, StopStage::Terminating, StopStage::None};
    QTest::addRow("a worker that ignores SIGTERM, too, ends by SIGKILL")
        << "stubborn" << false
        << QList<StopStage>{StopStage::Asked, StopStage::Terminating, StopStage::Killing, StopStage::None};
}

void TestWorkerClient::theLadderClimbs()
{
    QFETCH(QString, mode);
    QFETCH(bool, answers);
    QFETCH(QList<StopStage>, rungs);
    WorkerClient client(fakeWorker(mode), shortLadder());
    const JobId id = client.start(quantizeSpec());
    JobEnd end(client, id);
    QTRY_VERIFY_WITH_TIMEOUT(end.progresses > 0, kPatienceMs);
    QList<StopStage> seen;
    connect(&client, &WorkerClient::stopStageChanged, this, [&seen](StopStage stage) { seen += stage; });
    client.cancel(id);
    QVERIFY(end.wait());
    QCOMPARE(end.code(), Errc::Cancelled);
    QCOMPARE(end.failure->workerDied, !answers);                // a last answer before the end counts
    JobEnd next(client, client.start(OpenSpec{"/models/toy"})); // served by a new worker, even while the old one ends
    QVERIFY(next.wait());
    QVERIFY(next.result);
    QCOMPARE(seen, rungs);
    QCOMPARE(client.state(), State::Ready);
}

void TestWorkerClient::cancelBeforeTheHelloEndsTheJob()
{
    WorkerClient client(fakeWorker("script"));
    const JobId id = client.start(quantizeSpec());
    JobEnd end(client, id);
    client.cancel(id);
    QVERIFY(end.wait());
    QCOMPARE(end.code(), Errc::Cancelled);
    QCOMPARE(end.layers, 0);
    QTRY_COMPARE_WITH_TIMEOUT(client.state(), State::Dead, kPatienceMs);
}

void TestWorkerClient::badWorkersAreReported_data()
{
    QTest::addColumn<QString>("mode");
    QTest::addColumn<Errc>("code");
    QTest::addColumn<bool>("died");
    QTest::addColumn<QString>("words"); // in the sentence that the user gets
    QTest::addRow("a crash names the signal") << "crash" << Errc::Internal << true << "SIGSEGV";
    QTest::addRow("an exit without a result is an error") << "exit" << Errc::Internal << true << "exit status 0";
    QTest::addRow("a job's own error comes through") << "fail" << Errc::OutOfMemory << false << "";
    QTest::addRow("half a line and the end") << "half-line" << Errc::Internal << true << "exit status 0";
    QTest::addRow("garbage on stdout breaks the contract") << "garbage" << Errc::Protocol << true << "";
    QTest::addRow("a line without an end") << "endless-line" << Errc::Protocol << true << "";
    QTest::addRow("another version is refused") << "wrong-version" << Errc::Protocol << true << "version";
    QTest::addRow("a first line that is no hello") << "garbage-hello" << Errc::Protocol << true << "";
    QTest::addRow("an exit without a word") << "silent-exit" << Errc::Internal << true << "exit status 0";
}

void TestWorkerClient::badWorkersAreReported()
{
    QFETCH(QString, mode);
    QFETCH(Errc, code);
    QFETCH(bool, died);
    QFETCH(QString, words);
    WorkerClient client(fakeWorker(mode), shortLadder());
    JobEnd end(client, client.start(quantizeSpec()));
    QVERIFY(end.wait());
    QVERIFY2(end.failure, "the job must not succeed");
    const QString sentence = QString::fromStdString(end.failure->error.sentence());
    QVERIFY2(end.code() == code, qPrintable(sentence));
    QCOMPARE(end.failure->workerDied, died);
    QVERIFY2(sentence.contains(words), qPrintable(sentence));
    if (died)
        QVERIFY2(!end.failure->error.remedy.empty(), "it says what to do");
    QCOMPARE(client.state(), died ? State::Dead : State::Ready);
    QTest::qWait(50);
    QCOMPARE(end.ends, 1);
}

void TestWorkerClient::aNewWorkerServesTheNextJobAfterADeath()
{
    WorkerClient client(fakeWorker("crash", 3));
    JobEnd first(client, client.start(quantizeSpec()));
    QVERIFY(first.wait());
    QCOMPARE(first.layers, 3);
    QCOMPARE(client.state(), State::Dead);
    JobEnd second(client, client.start(OpenSpec{"/models/toy"}));
    QVERIFY(second.wait());
    QVERIFY(second.result);
    QCOMPARE(client.state(), State::Ready);
}

void TestWorkerClient::aKilledWorkerIsNamedWithItsLastStep()
{
    WorkerClient client(fakeWorker("slow"));
    JobEnd end(client, client.start(quantizeSpec()));
    QTRY_VERIFY_WITH_TIMEOUT(end.progresses > 0, kPatienceMs);
    QCOMPARE(::kill(static_cast<pid_t>(client.processId()), SIGKILL), 0);
    QVERIFY(end.wait());
    const Error& error = end.failure->error;
    QVERIFY(QString::fromStdString(error.message).contains("SIGKILL"));
    QVERIFY(QString::fromStdString(error.where).contains("Quantizing"));
    QVERIFY(QString::fromStdString(error.where).contains("model.layers."));
    QVERIFY(QString::fromStdString(error.remedy).contains("memory"));
}

void TestWorkerClient::aResultSurvivesACrashAfterIt()
{
    WorkerClient client(fakeWorker("crash-after"));
    QSignalSpy idleDeaths(&client, &WorkerClient::diedIdle);
    JobEnd end(client, client.start(quantizeSpec()));
    QVERIFY(end.wait());
    QVERIFY(end.result);
    QTRY_COMPARE_WITH_TIMEOUT(idleDeaths.count(), 1, kPatienceMs);
    QCOMPARE(client.state(), State::Dead);
    QCOMPARE(end.ends, 1);
}

void TestWorkerClient::strangeMessagesAreIgnoredAndLoggedOnce()
{
    WorkerClient client(fakeWorker("out-of-order"));
    QStringList remarks;
    connect(&client, &WorkerClient::remarked, this, [&remarks](const QString& text) { remarks += text; });
    JobEnd end(client, client.start(quantizeSpec()));
    QVERIFY(end.wait());
    QVERIFY(end.result);
    QTest::qWait(100);
    QCOMPARE(end.ends, 1); // the second result is not a second end
    QCOMPARE(end.layers, 42);
    QVERIFY(end.lastProgress && end.lastProgress->fraction() <= 1.0);
    QVERIFY(!remarks.isEmpty());
    QStringList unique = remarks;
    QCOMPARE(unique.removeDuplicates(), 0);
}

void TestWorkerClient::silenceIsShownAndDoesNotKill()
{
    WorkerClient::Timing timing = shortLadder();
    timing.silenceMs = 1000;
    WorkerClient client(fakeWorker("hang", 2), timing);
    QSignalSpy silences(&client, &WorkerClient::silenceChanged);
    const JobId id = client.start(quantizeSpec());
    JobEnd end(client, id);
    QTRY_VERIFY_WITH_TIMEOUT(silences.count() > 0, kPatienceMs);
    QVERIFY(silences.last().first().toInt() >= 1);
    QCOMPARE(client.state(), State::Busy);
    QCOMPARE(end.ends, 0);
    client.cancel(id); // only the user's word starts the ladder
    QVERIFY(end.wait());
    QCOMPARE(end.code(), Errc::Cancelled);
    QCOMPARE(silences.last().first().toInt(), 0);
}

void TestWorkerClient::theEventLoopStaysLiveInAFlood()
{
    WorkerClient client(fakeWorker("flood"));
    QTimer timer;
    QElapsedTimer clock;
    qint64 largestGap = 0;
    connect(&timer, &QTimer::timeout, this, [&] { largestGap = std::max(largestGap, clock.restart()); });
    JobEnd end(client, client.start(quantizeSpec()));
    clock.start();
    timer.start(10);
    QVERIFY(end.wait());
    QVERIFY(end.result);
    QCOMPARE(end.layers, 42); // layers are never dropped
    QVERIFY2(largestGap < 250, qPrintable(QStringLiteral("%1 ms").arg(largestGap)));
    QVERIFY2(end.progresses < 5000, qPrintable(QString::number(end.progresses)));
}

void TestWorkerClient::programsThatCannotStart_data()
{
    QTest::addColumn<QString>("program");
    QTest::addRow("there is no such file") << QStringLiteral("/nowhere/shiftadd-worker");
    QTest::addRow("not a program") << QStringLiteral(SA_SOURCE_DIR "/docs/PROTOCOL.md");
    QTest::addRow("a folder") << QStringLiteral(SA_SOURCE_DIR);
    QTest::addRow("a program that is not a worker") << QStringLiteral("/bin/false");
}

void TestWorkerClient::programsThatCannotStart()
{
    QFETCH(QString, program);
    WorkerClient client({program, {}}, shortLadder());
    JobEnd end(client, client.start(OpenSpec{"/models/toy"}));
    QCOMPARE(end.ends, 0); // never before start() has returned
    QVERIFY(end.wait());
    QVERIFY(end.failure);
    QVERIFY(end.failure->workerDied);
    QVERIFY(!end.failure->error.message.empty());
    QVERIFY(!end.failure->error.remedy.empty());
    QCOMPARE(client.state(), State::Dead);
    QVERIFY(!client.isBusy());
}

QTEST_GUILESS_MAIN(TestWorkerClient)
#include "tst_worker_client.moc"
