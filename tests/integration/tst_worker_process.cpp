// SPDX-License-Identifier: GPL-3.0-or-later
// The real worker as the window starts it: spoken to, cancelled, killed, left alone.
#include "core/protocol/line_buffer.h"
#include "core/protocol/messages.h"
#include "model_folders.h"

#include <QProcess>
#include <QSet>
#include <QTemporaryDir>
#include <QTest>

#include <csignal>
#include <filesystem>

using namespace sa;

namespace
{

/// Ends a hanging worker; a passing run never comes near.
constexpr int kPatienceMs = 240'000;

class Worker
{
public:
    Worker()
    {
        m_process.start(SA_BIN_DIR "/shiftadd-worker", QStringList());
        m_hello = next();
    }
    ~Worker()
    {
        m_process.closeWriteChannel();
        if (!m_process.waitForFinished(kPatienceMs)) {
            m_process.kill();
            m_process.waitForFinished();
        }
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    const WorkerMessage& hello() const { return m_hello; }
    QProcess& process() { return m_process; }
    pid_t pid() const { return static_cast<pid_t>(m_process.processId()); }

    void send(const QByteArray& bytes)
    {
        m_process.write(bytes);
        m_process.waitForBytesWritten(kPatienceMs);
    }
    void request(std::int64_t id, const char* kind, const Json& spec = Json::object())
    {
        send(QByteArray::fromStdString(requestLine({id, kind, spec})));
    }
    /// The next message; every line of stdout must be one.
    WorkerMessage next()
    {
        while (true) {
            if (const auto line = m_lines.next()) {
                auto message = parseWorkerMessage(*line);
                if (!message)
                    qFatal("%s: %s", line->c_str(), message.error().sentence().c_str());
                return *std::move(message);
            }
            if (!m_process.waitForReadyRead(kPatienceMs))
                qFatal("the worker is silent: %s", m_process.readAllStandardError().constData());
            const QByteArray bytes = m_process.readAllStandardOutput();
            if (!m_lines.feed({bytes.constData(), static_cast<std::size_t>(bytes.size())}))
                qFatal("the worker sent a line that is too long");
        }
    }
    template<class T> WorkerMessage nextOf()
    {
        while (true) {
            WorkerMessage message = next();
            if (std::holds_alternative<T>(message.body))
                return message;
            if (std::holds_alternative<Error>(message.body) || std::holds_alternative<JobResult>(message.body))
                qFatal("the job ended instead: %s", describe(message).c_str());
        }
    }
    /// The result or error of the job, its layers on the way.
    WorkerMessage last(QSet<QString>* layers = nullptr)
    {
        while (true) {
            WorkerMessage message = next();
            if (std::holds_alternative<Error>(message.body) || std::holds_alternative<JobResult>(message.body))
                return message;
            if (const auto* layer = std::get_if<LayerResult>(&message.body); layer && layers)
                layers->insert(QString::fromStdString(layer->name));
        }
    }
    bool finished() { return m_process.state() == QProcess::NotRunning || m_process.waitForFinished(kPatienceMs); }

    static std::string describe(const WorkerMessage& message)
    {
        const auto* error = std::get_if<Error>(&message.body);
        return error ? error->sentence() : std::string("no error");
    }

private:
    QProcess m_process;
    LineBuffer m_lines;
    WorkerMessage m_hello;
};

Json openSpec()
{
    return {{"model", sampleModel().toStdString()}};
}

Json quantizeSpec(const QString& out, int samples, int seqlen, int rounds)
{
    return {{"model", sampleModel().toStdString()},
            {"out", out.toStdString()},
            {"bits", 2},
            {"calibration", {sampleText().toStdString()}},
            {"samples", samples},
            {"seqlen", seqlen},
            {"rounds", rounds}};
}

Json quickSpec(const QString& out)
{
    return quantizeSpec(out, 2, 64, 1);
}

/// Long enough to be interrupted.
Json longSpec(const QString& out)
{
    return quantizeSpec(out, 64, 512, 1000);
}

} // namespace

class TestWorkerProcess : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void theHelloNamesVersionAndDevices()
    {
        Worker worker;
        const auto* hello = std::get_if<Hello>(&worker.hello().body);
        QVERIFY(hello);
        QVERIFY(checkVersion(*hello));
        QCOMPARE(hello->build, std::string(buildVersion()));
        QVERIFY(!hello->kernel.empty());
        QVERIFY(!hello->devices.empty());
        QCOMPARE(hello->devices.front().id, std::string("cpu"));
        QVERIFY(hello->devices.front().threads > 0 && hello->devices.front().memoryBytes > 0);
    }

    void librariesCannotReachTheProtocolsPipes()
    {
        Worker worker;
        const std::filesystem::path fds = "/proc/" + std::to_string(worker.pid()) + "/fd";
        QVERIFY(std::filesystem::read_symlink(fds / "1") == std::filesystem::read_symlink(fds / "2"));
        QVERIFY(std::filesystem::read_symlink(fds / "0") == "/dev/null");
    }

    void openListsTheLayers()
    {
        Worker worker;
        worker.request(1, "open", openSpec());
        const WorkerMessage reply = worker.last();
        QCOMPARE(reply.id, 1);
        const auto* result = std::get_if<JobResult>(&reply.body);
        QVERIFY2(result, Worker::describe(reply).c_str());
        QCOMPARE(result->value.at("layers").size(), std::size_t{42});
    }

    void badInputIsAnErrorOfTheJobAndTheWorkerLives()
    {
        QTemporaryDir folder;
        const QString model = linkedModel(folder.filePath("model"));
        writeAll(model + "/model.safetensors", readAll(sampleModel() + "/model.safetensors").left(1000));
        Worker worker;
        worker.request(1, "open", {{"model", model.toStdString()}});
        const WorkerMessage reply = worker.last();
        const auto* error = std::get_if<Error>(&reply.body);
        QVERIFY(error);
        QCOMPARE(error->code, Errc::BadFormat);
        QVERIFY(QString::fromStdString(error->file).endsWith("model.safetensors"));
        worker.request(2, "open", openSpec());
        QVERIFY(std::holds_alternative<JobResult>(worker.last().body));
    }

    void quantizeVerifyGenerate()
    {
        QTemporaryDir folder;
        const QString out = folder.filePath("out");
        Worker worker;
        worker.request(1, "quantize", quickSpec(out));
        QSet<QString> layers;
        WorkerMessage reply = worker.last(&layers);
        QVERIFY2(std::holds_alternative<JobResult>(reply.body), Worker::describe(reply).c_str());
        QCOMPARE(layers.size(), 42);

        worker.request(2, "verify", {{"model", out.toStdString()}});
        reply = worker.last();
        QVERIFY2(std::holds_alternative<JobResult>(reply.body), Worker::describe(reply).c_str());

        worker.request(3, "generate",
                       {{"model", out.toStdString()}, {"prompt", "The"}, {"max_tokens", 3}, {"greedy", true}});
        const WorkerMessage token = worker.nextOf<Token>();
        QCOMPARE(token.id, 3);
        QVERIFY(std::holds_alternative<JobResult>(worker.last().body));
    }

    void cancelLeavesNothingAndTheNextJobRuns()
    {
        QTemporaryDir folder;
        const QString out = folder.filePath("out");
        Worker worker;
        worker.request(1, "quantize", longSpec(out));
        waitForLayers(worker);
        worker.request(1, "cancel");
        WorkerMessage reply = worker.last();
        QCOMPARE(reply.id, 1);
        QVERIFY(std::holds_alternative<Error>(reply.body));
        QCOMPARE(std::get<Error>(reply.body).code, Errc::Cancelled);
        QCOMPARE(inventory(folder.path()), QStringList());
        worker.request(2, "quantize", quickSpec(out));
        reply = worker.last();
        QVERIFY2(std::holds_alternative<JobResult>(reply.body), Worker::describe(reply).c_str());
    }

    void aKilledWorkerLeavesNoOutputAndAnotherOneTakesOver()
    {
        QTemporaryDir folder;
        const QString out = folder.filePath("out");
        {
            Worker worker;
            worker.request(1, "quantize", longSpec(out));
            waitForLayers(worker);
            ::kill(worker.pid(), SIGKILL);
            QVERIFY(worker.finished());
            QCOMPARE(worker.process().exitStatus(), QProcess::CrashExit);
            QVERIFY(!QFileInfo::exists(out));
        }
        Worker second;
        second.request(1, "quantize", quickSpec(out));
        const WorkerMessage reply = second.last();
        QVERIFY2(std::holds_alternative<JobResult>(reply.body), Worker::describe(reply).c_str());
        QVERIFY(QFileInfo::exists(out + "/config.json"));
    }

    void theTerminationSignalCancelsAndEndsTheWorker()
    {
        QTemporaryDir folder;
        Worker worker;
        worker.request(1, "quantize", longSpec(folder.filePath("out")));
        waitForLayers(worker);
        ::kill(worker.pid(), SIGTERM);
        const WorkerMessage reply = worker.last();
        QVERIFY(std::holds_alternative<Error>(reply.body));
        QCOMPARE(std::get<Error>(reply.body).code, Errc::Cancelled);
        QVERIFY(worker.finished());
        QCOMPARE(worker.process().exitStatus(), QProcess::NormalExit);
        QCOMPARE(worker.process().exitCode(), 0);
        QCOMPARE(inventory(folder.path()), QStringList());
    }

    void theEndOfTheInputCancelsAndEndsTheWorker()
    {
        QTemporaryDir folder;
        Worker worker;
        worker.request(1, "quantize", longSpec(folder.filePath("out")));
        waitForLayers(worker);
        worker.process().closeWriteChannel();
        QVERIFY(worker.finished());
        QCOMPARE(worker.process().exitStatus(), QProcess::NormalExit);
        QCOMPARE(worker.process().exitCode(), 0);
        QCOMPARE(inventory(folder.path()), QStringList());
    }

    void anIdleWorkerEndsWithItsInput()
    {
        Worker worker;
        worker.process().closeWriteChannel();
        QVERIFY(worker.finished());
        QCOMPARE(worker.process().exitCode(), 0);
    }

    void garbageIsAnsweredAndSurvived()
    {
        Worker worker;
        worker.send("what is this?\n\xff\xfe\n{\"id\":\"x\"}\n");
        for (int i = 0; i < 3; ++i) {
            const WorkerMessage reply = worker.next();
            QCOMPARE(reply.id, 0);
            QVERIFY(std::holds_alternative<Error>(reply.body));
            QCOMPARE(std::get<Error>(reply.body).code, Errc::Protocol);
        }
        worker.request(1, "open", openSpec());
        QVERIFY(std::holds_alternative<JobResult>(worker.last().body));
    }

    void aLineWithoutEndEndsTheWorkerWithAnError()
    {
        Worker worker;
        worker.process().write(QByteArray(2 << 20, 'x'));
        const WorkerMessage reply = worker.next();
        QCOMPARE(reply.id, 0);
        QCOMPARE(std::get<Error>(reply.body).code, Errc::Protocol);
        QVERIFY(worker.finished());
        QCOMPARE(worker.process().exitStatus(), QProcess::NormalExit);
        QCOMPARE(worker.process().exitCode(), 1);
    }

    void aReaderThatLeavesEndsTheWorker()
    {
        QProcess worker, head;
        worker.setStandardOutputProcess(&head);
        head.start("head", {"-n", "1"}); // takes the hello and goes; the worker's input stays open
        worker.start(SA_BIN_DIR "/shiftadd-worker", QStringList());
        QVERIFY(head.waitForFinished(kPatienceMs));
        QVERIFY(head.readAllStandardOutput().contains("hello"));
        QVERIFY(worker.waitForFinished(kPatienceMs));
        QCOMPARE(worker.exitStatus(), QProcess::NormalExit);
        QCOMPARE(worker.exitCode(), 0);
    }

private:
    /// The job is in the middle of its work.
    static void waitForLayers(Worker& worker) { worker.nextOf<LayerResult>(); }
};

QTEST_GUILESS_MAIN(TestWorkerProcess)
#include "tst_worker_process.moc"
