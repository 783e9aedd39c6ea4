// SPDX-License-Identifier: GPL-3.0-or-later
// Drives the real command loop over pipes; only the engine is a function of the test.
#include "core/protocol/line_buffer.h"
#include "core/worker/command_loop.h"

#include <QTest>

#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <future>
#include <random>
#include <semaphore>

using namespace sa;
using namespace std::chrono_literals;

namespace
{

/// Nothing waits that long in a passing run; a failing one ends instead of hanging.
constexpr int kPatienceMs = 60'000;

Hello testHello()
{
    Hello hello;
    hello.build = "test";
    hello.kernel = "NONE";
    hello.devices = {{"cpu", "test", 1, 1024}};
    return hello;
}

/// The loop in a thread of its own, and the client's ends of its pipes.
class Harness
{
public:
    explicit Harness(JobRunner runner, OutputChannel::Options options = {})
    {
        openPipe(m_requests);
        openPipe(m_replies);
        openPipe(m_stop);
        m_end = std::async(std::launch::async, [this, options, runner = std::move(runner)] {
            return runCommandLoop(testHello(), {m_requests[0], m_replies[1], m_stop[0]}, runner, options);
        });
    }
    ~Harness()
    {
        closeInput();
        closeOutput();
        if (m_end.valid())
            m_end.wait();
        for (int* fd : {&m_requests[0], &m_replies[1], &m_stop[0], &m_stop[1]})
            closeOnce(*fd);
    }
    Harness(const Harness&) = delete;
    Harness& operator=(const Harness&) = delete;

    void send(const std::string& bytes)
    {
        for (std::size_t done = 0; done < bytes.size();) {
            const ssize_t count = ::write(m_requests[1], bytes.data() + done, bytes.size() - done);
            if (count <= 0)
                return; // the loop ended; the test sees that by what it reads
            done += static_cast<std::size_t>(count);
        }
    }
    void request(std::int64_t id, const char* kind, const Json& spec = {{"model", "m"}})
    {
        send(requestLine({id, kind, spec}));
    }
    /// Frees a writer that is not done when the loop has ended.
    void closeReadEnd() { closeOnce(m_requests[0]); }
    void askToStop() { [[maybe_unused]] const auto written = ::write(m_stop[1], "x", 1); }
    void closeInput() { closeOnce(m_requests[1]); }
    void closeOutput() { closeOnce(m_replies[0]); }
    /// The next line; nothing at the end of the stream.
    std::optional<std::string> line()
    {
        while (true) {
            if (auto line = m_lines.next())
                return line;
            pollfd input{m_replies[0], POLLIN, 0};
            if (::poll(&input, 1, kPatienceMs) <= 0)
                qFatal("the worker is silent");
            char bytes[65536];
            const ssize_t count = ::read(m_replies[0], bytes, sizeof bytes);
            if (count <= 0)
                return std::nullopt;
            if (!m_lines.feed({bytes, static_cast<std::size_t>(count)}))
                qFatal("the worker sent a line that is too long");
        }
    }
    WorkerMessage message()
    {
        const auto text = line();
        if (!text)
            qFatal("the worker closed its output");
        auto parsed = parseWorkerMessage(*text);
        if (!parsed)
            qFatal("%s: %s", text->c_str(), parsed.error().sentence().c_str());
        return *std::move(parsed);
    }
    /// The next message that is not a tick.
    WorkerMessage event()
    {
        while (true) {
            WorkerMessage next = message();
            if (!std::holds_alternative<Tick>(next.body))
                return next;
        }
    }
    void expectHello()
    {
        const WorkerMessage first = message();
        if (!std::holds_alternative<Hello>(first.body))
            qFatal("the first line is no hello");
    }
    /// What the loop returned; its output is at its end then, too.
    LoopEnd end()
    {
        if (m_end.wait_for(std::chrono::milliseconds(kPatienceMs)) != std::future_status::ready)
            qFatal("the loop does not end");
        return m_end.get();
    }
    /// The loop's write end stays open in this process, so that the end of the stream is an empty pipe.
    bool outputIsEmpty()
    {
        if (m_lines.next())
            return false;
        pollfd input{m_replies[0], POLLIN, 0};
        return ::poll(&input, 1, 0) == 0;
    }

private:
    static void closeOnce(int& fd)
    {
        if (fd >= 0)
            ::close(fd);
        fd = -1;
    }
    static void openPipe(int (&fds)[2])
    {
        if (::pipe2(fds, O_CLOEXEC) != 0)
            qFatal("no pipe");
    }
    int m_requests[2] = {-1, -1};
    int m_replies[2] = {-1, -1};
    int m_stop[2] = {-1, -1};
    LineBuffer m_lines;
    std::future<LoopEnd> m_end;
};

Json resultOf(const char* text)
{
    return {{"text", text}};
}

/// A job that reports that it runs and goes on until it is cancelled.
class EndlessJob
{
public:
    JobRunner runner()
    {
        return [this](const JobSpec&, const EventSink&, const CancelToken& cancel) -> Result<Json> {
            m_started.release();
            while (!cancel.cancelled())
                std::this_thread::sleep_for(1ms);
            m_cancelled = true;
            return makeError(Errc::Cancelled, "cancelled");
        };
    }
    void waitUntilStarted()
    {
        if (!m_started.try_acquire_for(std::chrono::milliseconds(kPatienceMs)))
            qFatal("the job does not start");
    }
    bool wasCancelled() const { return m_cancelled; }

private:
    std::counting_semaphore<> m_started{0};
    std::atomic<bool> m_cancelled{false};
};

Result<Json> succeed(const JobSpec& spec, const EventSink&, const CancelToken&)
{
    return resultOf(kindOf(spec));
}

LayerResult layerNumber(int index)
{
    LayerResult layer;
    layer.name = "layer";
    layer.index = index;
    layer.bits = 3;
    layer.N = layer.K = 256;
    return layer;
}

} // namespace

class TestWorkerLoop : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        std::signal(SIGPIPE, SIG_IGN);
        spdlog::set_level(spdlog::level::off);
    }

    void theFirstLineIsTheHello()
    {
        Harness worker(succeed);
        const WorkerMessage first = worker.message();
        QVERIFY(std::get<Hello>(first.body) == testHello());
    }

    void aJobsEventsAndResultCarryItsIdAndKeepTheirOrder()
    {
        Harness worker([](const JobSpec& spec, const EventSink& emit, const CancelToken&) -> Result<Json> {
            emit(toJson(Note{"warning", std::get<GenerateSpec>(spec).prompt}));
            for (int i = 0; i < 100; ++i)
                emit(toJson(Token{i, "x"}));
            return resultOf("done");
        });
        worker.expectHello();
        worker.request(41, "generate", {{"model", "m"}, {"prompt", "p"}});
        WorkerMessage next = worker.event();
        QCOMPARE(next.id, 41);
        QVERIFY(std::get<Note>(next.body) == (Note{"warning", "p"}));
        for (int i = 0; i < 100; ++i) {
            next = worker.event();
            QCOMPARE(next.id, 41);
            QCOMPARE(std::get<Token>(next.body).id, i);
        }
        next = worker.event();
        QCOMPARE(next.id, 41);
        QVERIFY(std::get<JobResult>(next.body).value == resultOf("done"));
    }

    void aJobsErrorArrivesWhole()
    {
        Harness worker([](const JobSpec&, const EventSink&, const CancelToken&) -> Result<Json> {
            return makeError(Errc::BadFormat, "broken").in("/a\nb").at("byte 3").butFound("x").wanted("y").tryThis("z");
        });
        worker.expectHello();
        worker.request(1, "open");
        const WorkerMessage reply = worker.event();
        QCOMPARE(reply.id, 1);
        const Error& error = std::get<Error>(reply.body);
        QCOMPARE(error.code, Errc::BadFormat);
        QCOMPARE(error.file, std::string("/a\nb"));
        QCOMPARE(error.remedy, std::string("z"));
    }

    void unusableRequestsAreAnsweredAndSurvived_data()
    {
        QTest::addColumn<QByteArray>("line");
        QTest::addColumn<qint64>("id");
        QTest::addColumn<QByteArray>("code");
        QTest::addRow("garbage") << QByteArray("hello there") << qint64(0) << QByteArray("Protocol");
        QTest::addRow("bytes that are not UTF-8")
            << QByteArray("\xff\xfe\x00\x01", 4) << qint64(0) << QByteArray("Protocol");
        QTest::addRow("an empty line") << QByteArray("") << qint64(0) << QByteArray("Protocol");
        QTest::addRow("half a request") << QByteArray("{\"id\":1,\"do\":") << qint64(0) << QByteArray("Protocol");
        QTest::addRow("no id") << QByteArray("{\"do\":\"open\"}") << qint64(0) << QByteArray("Protocol");
        QTest::addRow("no verb") << QByteArray("{\"id\":1}") << qint64(0) << QByteArray("Protocol");
        QTest::addRow("a thousand brackets") << QByteArray(1000, '[') << qint64(0) << QByteArray("Protocol");
        QTest::addRow("an unknown verb") << QByteArray("{\"id\":5,\"do\":\"levitate\"}") << qint64(5)
                                         << QByteArray("Usage");
        QTest::addRow("a missing member")
            << QByteArray("{\"id\":5,\"do\":\"open\",\"spec\":{}}") << qint64(5) << QByteArray("Usage");
        QTest::addRow("a member of the wrong type")
            << QByteArray("{\"id\":5,\"do\":\"open\",\"spec\":{\"model\":3}}") << qint64(5) << QByteArray("Usage");
        QTest::addRow("a spec that is a list")
            << QByteArray("{\"id\":5,\"do\":\"open\",\"spec\":[]}") << qint64(5) << QByteArray("Usage");
    }

    void unusableRequestsAreAnsweredAndSurvived()
    {
        QFETCH(QByteArray, line);
        QFETCH(qint64, id);
        QFETCH(QByteArray, code);
        Harness worker(succeed);
        worker.expectHello();
        worker.send(line.toStdString() + "\n");
        const WorkerMessage reply = worker.event();
        QCOMPARE(reply.id, id);
        QCOMPARE(name(std::get<Error>(reply.body).code), code.constData());
        worker.request(6, "open");
        const WorkerMessage result = worker.event();
        QCOMPARE(result.id, 6);
        QVERIFY(std::get<JobResult>(result.body).value == resultOf("open"));
    }

    void aMegabyteOfGarbageIsSurvived()
    {
        for (unsigned seed = 0; seed < 5; ++seed) {
            Harness worker(succeed);
            worker.expectHello();
            std::mt19937 random(seed);
            std::string bytes(1 << 20, '\0');
            for (char& c : bytes)
                c = static_cast<char>(random());
            worker.send(bytes + "\n");
            worker.request(1, "open");
            WorkerMessage reply = worker.event();
            int complaints = 0;
            for (; reply.id == 0; reply = worker.event()) {
                QCOMPARE(std::get<Error>(reply.body).code, Errc::Protocol);
                ++complaints;
            }
            QVERIFY(complaints > 0);
            QVERIFY(std::holds_alternative<JobResult>(reply.body));
        }
    }

    void anEndlessLineEndsTheConnectionWithAnError()
    {
        Harness worker(succeed);
        worker.expectHello();
        std::thread writer([&] { worker.send(std::string(3u << 20, 'x')); });
        const WorkerMessage reply = worker.event();
        QCOMPARE(reply.id, 0);
        QCOMPARE(std::get<Error>(reply.body).code, Errc::Protocol);
        QCOMPARE(worker.end(), LoopEnd::LineTooLong);
        worker.closeReadEnd();
        writer.join();
    }

    void requestsInPiecesAreUnderstood()
    {
        Harness worker(succeed);
        worker.expectHello();
        for (const char c : requestLine({1, "open", {{"model", "m"}}}))
            worker.send(std::string(1, c));
        QCOMPARE(worker.event().id, 1);
    }

    void aSecondJobIsRefusedWhileOneRuns()
    {
        EndlessJob job;
        Harness worker(job.runner());
        worker.expectHello();
        worker.request(1, "open");
        job.waitUntilStarted();
        worker.request(2, "verify");
        const WorkerMessage refusal = worker.event();
        QCOMPARE(refusal.id, 2);
        QCOMPARE(std::get<Error>(refusal.body).code, Errc::Protocol);
        QVERIFY(!job.wasCancelled());
        worker.request(1, "cancel", Json::object());
        QVERIFY(std::holds_alternative<Cancelling>(worker.event().body));
        const WorkerMessage last = worker.event();
        QCOMPARE(last.id, 1);
        QCOMPARE(std::get<Error>(last.body).code, Errc::Cancelled);
    }

    void cancelReachesTheRunningJobAndNoLaterOne()
    {
        std::binary_semaphore started{0};
        Harness worker([&](const JobSpec& spec, const EventSink&, const CancelToken& cancel) -> Result<Json> {
            if (std::holds_alternative<VerifySpec>(spec))
                return resultOf(cancel.cancelled() ? "cancelled before it began" : "fresh");
            started.release();
            while (!cancel.cancelled())
                std::this_thread::sleep_for(1ms);
            return makeError(Errc::Cancelled, "cancelled");
        });
        worker.expectHello();
        worker.request(1, "open");
        started.acquire();
        worker.request(7, "cancel", Json::object()); // of nobody: not answered
        worker.request(1, "cancel", Json::object());
        WorkerMessage reply = worker.event();
        QCOMPARE(reply.id, 1);
        QVERIFY(std::holds_alternative<Cancelling>(reply.body));
        reply = worker.event();
        QCOMPARE(reply.id, 1);
        QCOMPARE(std::get<Error>(reply.body).code, Errc::Cancelled);
        worker.request(1, "cancel", Json::object()); // too late: not answered
        worker.request(2, "verify");
        reply = worker.event();
        QCOMPARE(reply.id, 2);
        QVERIFY(std::get<JobResult>(reply.body).value == resultOf("fresh"));
    }

    void aCancelIsAcknowledgedWhileTheJobIsInALongStep()
    {
        std::binary_semaphore started{0}, stepEnds{0};
        Harness worker([&](const JobSpec&, const EventSink&, const CancelToken& cancel) -> Result<Json> {
            started.release();
            stepEnds.acquire();
            return cancel.check() ? Result<Json>(resultOf("deaf")) : makeError(Errc::Cancelled, "cancelled");
        });
        worker.expectHello();
        worker.request(1, "open");
        started.acquire();
        worker.request(1, "cancel", Json::object());
        WorkerMessage reply = worker.event();
        QCOMPARE(reply.id, 1);
        QVERIFY(std::holds_alternative<Cancelling>(reply.body));
        stepEnds.release();
        reply = worker.event();
        QCOMPARE(reply.id, 1);
        QCOMPARE(std::get<Error>(reply.body).code, Errc::Cancelled);
    }

    void anOldIdIsRefusedWithoutBeingMistakenForTheJob()
    {
        EndlessJob job;
        Harness worker(job.runner());
        worker.expectHello();
        worker.request(5, "open");
        job.waitUntilStarted();
        for (const std::int64_t id : {5, 4}) {
            worker.request(id, "open");
            const WorkerMessage reply = worker.event();
            QCOMPARE(reply.id, 0);
            QCOMPARE(std::get<Error>(reply.body).where, std::string("id"));
        }
        QVERIFY(!job.wasCancelled());
    }

    void theNextJobMayStartAsSoonAsTheResultIsRead()
    {
        Harness worker(succeed);
        worker.expectHello();
        for (std::int64_t id = 1; id <= 500; ++id) {
            worker.request(id, "open");
            const WorkerMessage reply = worker.event();
            QCOMPARE(reply.id, id);
            QVERIFY(std::holds_alternative<JobResult>(reply.body));
        }
    }

    void theEndOfTheInputCancelsTheJobAndItsLastWordArrives()
    {
        EndlessJob job;
        Harness worker(job.runner());
        worker.expectHello();
        worker.request(1, "open");
        job.waitUntilStarted();
        worker.closeInput();
        QCOMPARE(worker.end(), LoopEnd::InputEnded);
        QVERIFY(job.wasCancelled());
        QCOMPARE(std::get<Error>(worker.event().body).code, Errc::Cancelled);
        QVERIFY(worker.outputIsEmpty());
    }

    void theEndOfTheInputEndsAnIdleWorker()
    {
        Harness worker(succeed);
        worker.expectHello();
        worker.closeInput();
        QCOMPARE(worker.end(), LoopEnd::InputEnded);
        QVERIFY(worker.outputIsEmpty());
    }

    void halfARequestAtTheEndOfTheInputIsNotRun()
    {
        Harness worker(succeed);
        worker.expectHello();
        worker.send(R"({"id":1,"do":"open","spec":{"model":"m"}})"); // no newline
        worker.closeInput();
        QCOMPARE(worker.end(), LoopEnd::InputEnded);
        QVERIFY(worker.outputIsEmpty());
    }

    void theStopSignalCancelsTheJobAndItsLastWordArrives()
    {
        EndlessJob job;
        Harness worker(job.runner());
        worker.expectHello();
        worker.request(1, "open");
        job.waitUntilStarted();
        worker.askToStop();
        QCOMPARE(worker.end(), LoopEnd::Stopped);
        QVERIFY(job.wasCancelled());
        QCOMPARE(std::get<Error>(worker.event().body).code, Errc::Cancelled);
    }

    void aReaderThatLeavesCancelsTheJob()
    {
        EndlessJob job;
        Harness worker(job.runner());
        worker.expectHello();
        worker.request(1, "open");
        job.waitUntilStarted();
        worker.closeOutput();
        QCOMPARE(worker.end(), LoopEnd::OutputClosed);
        QVERIFY(job.wasCancelled());
    }

    void aReaderThatLeavesEndsAnIdleWorker()
    {
        Harness worker(succeed);
        worker.expectHello();
        worker.closeOutput();
        QCOMPARE(worker.end(), LoopEnd::OutputClosed);
    }

    void aReaderThatLeavesFreesAJobThatWaitsForIt()
    {
        std::atomic<bool> cancelled{false};
        OutputChannel::Options options;
        options.maxQueuedBytes = 10'000;
        Harness worker(
            [&](const JobSpec&, const EventSink& emit, const CancelToken& cancel) -> Result<Json> {
                for (int i = 0; !cancel.cancelled(); ++i)
                    emit(toJson(Token{i, "a token that nobody reads"}));
                cancelled = true;
                return makeError(Errc::Cancelled, "cancelled");
            },
            options);
        worker.expectHello();
        worker.request(1, "open");
        worker.event(); // it has begun
        worker.closeOutput();
        QCOMPARE(worker.end(), LoopEnd::OutputClosed);
        QVERIFY(cancelled);
    }

    void aReaderThatStopsReadingCannotHoldTheWorkerForEver()
    {
        OutputChannel::Options options;
        options.maxQueuedBytes = 10'000;
        options.flushDeadline = 50ms;
        std::atomic<bool> cancelled{false};
        Harness worker(
            [&](const JobSpec&, const EventSink& emit, const CancelToken& cancel) -> Result<Json> {
                for (int i = 0; !cancel.cancelled(); ++i)
                    emit(toJson(Token{i, "a token that nobody reads"}));
                cancelled = true;
                return makeError(Errc::Cancelled, "cancelled");
            },
            options);
        worker.expectHello();
        worker.request(1, "open");
        worker.event();
        worker.closeInput(); // and the output stays open, unread
        QCOMPARE(worker.end(), LoopEnd::InputEnded);
        QVERIFY(cancelled);
    }

    void aSilentJobTicks()
    {
        OutputChannel::Options options;
        options.tickInterval = 5ms;
        EndlessJob job;
        Harness worker(job.runner(), options);
        worker.expectHello();
        worker.request(3, "open");
        double last = -1;
        for (int i = 0; i < 5; ++i) {
            const WorkerMessage next = worker.message();
            QCOMPARE(next.id, 3);
            const double elapsed = std::get<Tick>(next.body).elapsedSeconds;
            QVERIFY(elapsed > last);
            last = elapsed;
        }
        worker.request(3, "cancel", Json::object());
        WorkerMessage next = worker.message();
        while (std::holds_alternative<Tick>(next.body) || std::holds_alternative<Cancelling>(next.body))
            next = worker.message();
        QVERIFY(std::holds_alternative<Error>(next.body));
        worker.closeInput();
        worker.end();
        QVERIFY2(worker.outputIsEmpty(), "a tick after the job's last line");
    }

    void aFloodOfProgressIsCoalescedAndNothingElseIsLost()
    {
        constexpr int layers = 2'000;
        constexpr int progressPerLayer = 100;
        std::binary_semaphore flooded{0};
        Harness worker([&](const JobSpec&, const EventSink& emit, const CancelToken&) -> Result<Json> {
            Progress progress;
            progress.phase = "quantize";
            progress.of = layers * progressPerLayer;
            for (int i = 0; i < layers; ++i) {
                for (int j = 0; j < progressPerLayer; ++j) {
                    progress.done += 1;
                    emit(toJson(progress));
                }
                emit(toJson(layerNumber(i)));
            }
            flooded.release();
            return resultOf("done");
        });
        worker.expectHello();
        worker.request(1, "open");
        QVERIFY2(flooded.try_acquire_for(std::chrono::milliseconds(kPatienceMs)), "the flood waits for a reader");
        int nextLayer = 0;
        int progressLines = 0;
        double lastDone = 0;
        while (true) {
            const WorkerMessage next = worker.event();
            if (const auto* progress = std::get_if<Progress>(&next.body)) {
                ++progressLines;
                QVERIFY(progress->done > lastDone);
                lastDone = progress->done;
            } else if (const auto* layer = std::get_if<LayerResult>(&next.body)) {
                QCOMPARE(layer->index, nextLayer);
                ++nextLayer;
            } else {
                QVERIFY(std::holds_alternative<JobResult>(next.body));
                break;
            }
        }
        QCOMPARE(nextLayer, layers);
        QCOMPARE(lastDone, double(layers * progressPerLayer));
        // What fits into the pipe went out before anybody read; after that one progress at most was waiting.
        QVERIFY2(progressLines < layers * progressPerLayer / 20, qPrintable(QString::number(progressLines)));
    }

    void aSlowReaderGetsEveryLayer()
    {
        constexpr int layers = 20'000; // 2.5 MB through a queue of 10 kB
        OutputChannel::Options options;
        options.maxQueuedBytes = 10'000;
        Harness worker(
            [&](const JobSpec&, const EventSink& emit, const CancelToken&) -> Result<Json> {
                for (int i = 0; i < layers; ++i)
                    emit(toJson(layerNumber(i)));
                return resultOf("done");
            },
            options);
        worker.expectHello();
        worker.request(1, "open");
        for (int i = 0; i < layers; ++i)
            QCOMPARE(std::get<LayerResult>(worker.event().body).index, i);
        QVERIFY(std::holds_alternative<JobResult>(worker.event().body));
    }

    void anExceptionOfALibraryEndsTheJobNotTheWorker()
    {
        Harness worker([](const JobSpec& spec, const EventSink&, const CancelToken&) -> Result<Json> {
            if (std::holds_alternative<OpenSpec>(spec))
                throw std::runtime_error("surprise");
            if (std::holds_alternative<VerifySpec>(spec))
                throw std::bad_alloc();
            return resultOf("fine");
        });
        worker.expectHello();
        worker.request(1, "open");
        const Error internal = std::get<Error>(worker.event().body);
        QCOMPARE(internal.code, Errc::Internal);
        QCOMPARE(internal.message, std::string("surprise"));
        worker.request(2, "verify");
        QCOMPARE(std::get<Error>(worker.event().body).code, Errc::OutOfMemory);
        worker.request(3, "generate", {{"model", "m"}, {"prompt", ""}});
        QVERIFY(std::holds_alternative<JobResult>(worker.event().body));
    }

    void aResultThatFitsNoLineBecomesAnError()
    {
        Harness worker([](const JobSpec& spec, const EventSink&, const CancelToken&) -> Result<Json> {
            return Json{{"text", std::string(std::holds_alternative<OpenSpec>(spec) ? 2u << 20 : 1, 'x')}};
        });
        worker.expectHello();
        worker.request(1, "open");
        const WorkerMessage reply = worker.event();
        QCOMPARE(reply.id, 1);
        QCOMPARE(std::get<Error>(reply.body).code, Errc::Unsupported);
        worker.request(2, "verify");
        QVERIFY(std::holds_alternative<JobResult>(worker.event().body));
    }

    void numbersThatJsonCannotCarryLeaveAsNull()
    {
        Harness worker([](const JobSpec&, const EventSink&, const CancelToken&) -> Result<Json> {
            return Json{{"perplexity", std::nan("")}};
        });
        worker.expectHello();
        worker.request(1, "open");
        QVERIFY(std::get<JobResult>(worker.event().body).value.at("perplexity").is_null());
    }
};

QTEST_GUILESS_MAIN(TestWorkerLoop)
#include "tst_worker_loop.moc"
