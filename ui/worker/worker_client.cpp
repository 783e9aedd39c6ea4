// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/worker/worker_client.h"

#include "ui/text.h"
#include "ui/worker/line_channel.h"

#include <type_traits>

namespace sa::ui
{

namespace
{

constexpr int kWatchMs = 1000;
constexpr qsizetype kLogLinesPerRead = 200;
constexpr qsizetype kTailLines = 60;

} // namespace

WorkerClient::WorkerClient(WorkerCommand command, QObject* parent)
    : WorkerClient(std::move(command), Timing{}, parent)
{
}

WorkerClient::WorkerClient(WorkerCommand command, Timing timing, QObject* parent)
    : JobService(parent)
    , m_command(std::move(command))
    , m_timing(timing)
{
    m_ladder.setSingleShot(true);
    connect(&m_ladder, &QTimer::timeout, this, &WorkerClient::climb);
    m_watch.setInterval(kWatchMs);
    connect(&m_watch, &QTimer::timeout, this, &WorkerClient::checkSilence);
}

WorkerClient::~WorkerClient()
{
    if (!m_process)
        return;
    m_process->disconnect(this); // its signals must not reach a half-destroyed client
    delete m_channel;
    // QProcess's destructor would wait for the end; left alone it is reaped when the end comes.
    m_process->setParent(nullptr);
    connect(m_process, &QProcess::finished, m_process, &QObject::deleteLater);
    m_process->kill();
}

bool WorkerClient::isBusy() const
{
    return m_job.has_value();
}

qint64 WorkerClient::processId() const
{
    return m_process ? m_process->processId() : 0;
}

int WorkerClient::secondsToNextStage() const
{
    return m_ladder.isActive() ? (m_ladder.remainingTime() + 999) / 1000 : 0;
}

JobId WorkerClient::start(const JobSpec& spec)
{
    const JobId id = ++m_lastId;
    if (isBusy()) {
        failLater(id, makeError(Errc::Usage, toUtf8(tr("the worker is still busy with another job")))
                          .tryThis(toUtf8(tr("Wait for it to finish, or cancel it"))));
        return id;
    }
    m_job = Job{id, spec, {}, false, false, m_state == State::Stopping};
    if (m_state == State::Ready)
        sendJob();
    else if (m_state != State::Stopping)
        launch();
    return id;
}

void WorkerClient::cancel(JobId id)
{
    if (!m_job || m_job->id != id || m_job->cancelled || m_breach)
        return;
    m_job->cancelled = true;
    if (m_job->forNextProcess) {
        m_job.reset();
        return failLater(id, makeError(Errc::Cancelled, toUtf8(tr("cancelled"))));
    }
    if (m_job->sent)
        send(requestLine({id, "cancel", Json::object()}));
    setState(State::Stopping);
    setStopStage(StopStage::Asked);
    if (!m_job->sent) // nothing of the job exists in the worker
        climb();
}

void WorkerClient::warmUp()
{
    if (m_state == State::NotStarted || m_state == State::Dead)
        launch();
}

void WorkerClient::shutDown()
{
    m_closing = true;
    if (m_process)
        m_process->closeWriteChannel();
}

void WorkerClient::launch()
{
    if (m_process || m_closing)
        return;
    m_hello.reset();
    m_exit.reset();
    m_breach.reset();
    m_ignored.clear();
    m_log.clear();

    m_process = new QProcess(this);
    m_channel = new LineChannel(m_process, m_process);
    connect(m_channel, &LineChannel::received, this, &WorkerClient::onMessage);
    connect(m_channel, &LineChannel::violated, this, &WorkerClient::onViolation);
    connect(m_channel, &LineChannel::ended, this, [this](bool halfLine) {
        if (halfLine)
            Q_EMIT remarked(tr("The worker's last line was cut off"));
        onProcessGone();
    });
    connect(m_process, &QProcess::readyReadStandardError, this, &WorkerClient::readLog);
    // Queued: a failure inside start() must not end the job before the caller knows its id.
    connect(
        m_process, &QProcess::errorOccurred, this,
        [this, process = m_process](QProcess::ProcessError error) {
            if (process == m_process && error == QProcess::FailedToStart)
                onFailedToStart();
        },
        Qt::QueuedConnection);
    connect(m_process, &QProcess::finished, this, [this](int code, QProcess::ExitStatus status) {
        readLog();
        m_exit = WorkerExit{status == QProcess::CrashExit, code};
        if (m_breach)
            onProcessGone();
        else
            m_channel->finish(); // what was said before the end still counts
    });
    m_lastSign.start();
    m_watch.start();
    setState(State::Starting);
    Q_EMIT remarked(tr("Starting %1").arg(shown(m_command.program, 1000)));
    m_process->start(m_command.program, m_command.arguments);
}

void WorkerClient::send(const std::string& line)
{
    if (m_process)
        m_process->write(line.data(), static_cast<qint64>(line.size()));
}

void WorkerClient::sendJob()
{
    m_job->sent = true;
    m_lastSign.start();
    m_watch.start();
    send(requestLine({m_job->id, kindOf(m_job->spec), toJson(m_job->spec)}));
    Q_EMIT remarked(tr("Job %1 starts: %2").arg(QString::number(m_job->id), QLatin1String(kindOf(m_job->spec))));
    setState(State::Busy);
}

/// After a job's answer. A worker that was told to end meanwhile is not ready for another job: it is waited for.
void WorkerClient::settle()
{
    if (m_stopStage != StopStage::Terminating && m_stopStage != StopStage::Killing)
        setState(State::Ready);
}

void WorkerClient::setState(State state)
{
    if (m_state == state)
        return;
    m_state = state;
    if (state != State::Stopping) {
        m_ladder.stop();
        setStopStage(StopStage::None);
    }
    if (state == State::Ready || state == State::Dead) {
        m_watch.stop();
        if (std::exchange(m_shownSilence, 0) != 0)
            Q_EMIT silenceChanged(0);
    }
    Q_EMIT stateChanged(state);
}

void WorkerClient::setStopStage(StopStage stage)
{
    if (m_stopStage == stage)
        return;
    m_stopStage = stage;
    if (stage == StopStage::Asked)
        m_ladder.start(m_timing.cancelMs);
    else if (stage == StopStage::Terminating)
        m_ladder.start(m_timing.terminateMs);
    Q_EMIT stopStageChanged(stage);
}

/// The next rung: asked -> SIGTERM -> SIGKILL.
void WorkerClient::climb()
{
    if (!m_process || m_state != State::Stopping)
        return;
    if (m_stopStage == StopStage::Terminating) {
        Q_EMIT remarked(tr("The worker did not react to SIGTERM and gets SIGKILL"));
        m_ladder.stop();
        setStopStage(StopStage::Killing);
        m_process->kill();
    } else if (m_stopStage != StopStage::Killing) {
        Q_EMIT remarked(tr("The worker is asked to end (SIGTERM)"));
        setStopStage(StopStage::Terminating);
        m_process->terminate();
    }
}

void WorkerClient::checkSilence()
{
    const bool owes = m_state == State::Starting || m_state == State::Busy || m_state == State::Stopping;
    const qint64 silentMs = owes ? m_lastSign.elapsed() : 0;
    const int seconds = silentMs >= m_timing.silenceMs ? static_cast<int>(silentMs / 1000) : 0;
    if (seconds != m_shownSilence) {
        m_shownSilence = seconds;
        Q_EMIT silenceChanged(seconds);
    }
}

void WorkerClient::onMessage(const WorkerMessage& message)
{
    m_lastSign.start();
    if (m_shownSilence != 0)
        checkSilence();
    if (const auto* hello = std::get_if<Hello>(&message.body))
        return onHello(*hello);
    if (!m_hello)
        return onViolation(makeError(Errc::Protocol, toUtf8(tr("the worker did not introduce itself first"))));
    if (message.id == 0) {
        if (const auto* error = std::get_if<Error>(&message.body))
            Q_EMIT remarked(tr("The worker did not understand a line: %1").arg(shown(error->sentence(), 500)));
        else
            ignoreOnce(tr("a message without a job number"));
        return;
    }
    if (!m_job || message.id != m_job->id || !m_job->sent)
        return ignoreOnce(tr("a message about job %1, which is not running").arg(message.id));

    const JobId id = m_job->id;
    std::visit(
        [this, id](const auto& body) {
            using Body = std::decay_t<decltype(body)>;
            if constexpr (std::is_same_v<Body, Progress>) {
                onProgress(body);
            } else if constexpr (std::is_same_v<Body, LayerResult>) {
                if (std::holds_alternative<QuantizeSpec>(m_job->spec))
                    Q_EMIT layerFinished(id, body);
                else
                    ignoreOnce(tr("a layer from a job that has none"));
            } else if constexpr (std::is_same_v<Body, LayerSensitivity>) {
                if (std::holds_alternative<AnalyzeSpec>(m_job->spec))
                    Q_EMIT sensitivityArrived(id, body);
                else
                    ignoreOnce(tr("a sensitivity from a job that has none"));
            } else if constexpr (std::is_same_v<Body, Token>) {
                if (std::holds_alternative<GenerateSpec>(m_job->spec))
                    Q_EMIT tokenArrived(id, body);
                else
                    ignoreOnce(tr("a token from a job that has none"));
            } else if constexpr (std::is_same_v<Body, Note>) {
                Q_EMIT noted(id, body);
            } else if constexpr (std::is_same_v<Body, Cancelling>) {
                if (m_stopStage == StopStage::Asked) // the ladder goes on: hearing is not stopping
                    setStopStage(StopStage::Heard);
            } else if constexpr (std::is_same_v<Body, JobResult>) {
                m_job.reset();
                Q_EMIT remarked(tr("Job %1 is done").arg(id));
                settle();
                Q_EMIT finished(id, body.value);
            } else if constexpr (std::is_same_v<Body, Error>) {
                answerJobWith({body, false, {}});
            }
        },
        message.body);
}

void WorkerClient::onHello(const Hello& hello)
{
    if (m_hello)
        return ignoreOnce(tr("a second greeting"));
    if (auto version = checkVersion(hello); !version)
        return onViolation(std::move(version).error().in(toUtf8(m_command.program)));
    if (hello.build != buildVersion()) // results of two builds may differ, so they are not mixed
        return onViolation(makeError(Errc::Protocol, toUtf8(tr("the worker belongs to another version of the program")))
                               .in(toUtf8(m_command.program))
                               .butFound(hello.build)
                               .wanted(buildVersion())
                               .tryThis(toUtf8(tr("Install the worker and the window from the same package"))));
    m_hello = hello;
    Q_EMIT remarked(
        tr("The worker is ready: version %1, %2 kernel").arg(shown(hello.build, 40), shown(hello.kernel, 40)));
    if (m_state != State::Starting)
        return; // cancelled while it started; the ladder goes on
    setState(State::Ready);
    if (m_job)
        sendJob();
}

void WorkerClient::onProgress(const Progress& progress)
{
    if (m_job->last && m_job->last->phase == progress.phase && progress.done < m_job->last->done)
        return ignoreOnce(tr("progress that went back"));
    m_job->last = progress;
    Q_EMIT progressed(m_job->id, progress);
}

void WorkerClient::onFailedToStart()
{
    m_breach = startError(m_command.program, m_process->errorString());
    onProcessGone();
}

/// A broken worker is not argued with: its job ends now, the process is ended by the ladder.
void WorkerClient::onViolation(const Error& error)
{
    if (m_breach)
        return;
    Error breach = error;
    if (breach.remedy.empty())
        breach.remedy = toUtf8(tr("This is a fault in the worker; the next job starts a new one"));
    m_breach = breach;
    m_channel->disconnect(this);
    Q_EMIT remarked(tr("The worker is being ended: %1").arg(shown(breach.sentence(), 600)));
    setState(State::Stopping);
    m_process->closeWriteChannel();
    m_process->closeReadChannel(QProcess::StandardOutput); // or a flood would fill our memory
    m_ladder.stop();
    m_stopStage = StopStage::None;
    climb();
}

/// The process has ended and everything it said was heard.
void WorkerClient::onProcessGone()
{
    const WorkerExit exit = m_exit.value_or(WorkerExit{});
    const std::optional<Error> breach = m_breach;
    const QString tail = QString::fromUtf8(m_log.tail(kTailLines));
    abandonProcess();
    if (m_closing)
        return;

    if (m_job && m_job->forNextProcess) {
        m_job->forNextProcess = false;
        setState(State::Dead);
        return launch();
    }
    const std::optional<Job> job = std::exchange(m_job, std::nullopt);
    Error error = breach ? *breach : deathError(exit, job ? job->last : std::nullopt);
    if (!breach)
        Q_EMIT remarked(tr("The worker has ended: %1").arg(exitText(exit)));
    setState(State::Dead);
    if (!job)
        return Q_EMIT diedIdle(error);
    if (job->cancelled && !breach)
        error = makeError(Errc::Cancelled,
                          toUtf8(job->sent ? tr("cancelled; the worker had to be ended for it") : tr("cancelled")));
    reportFailure(job->id, {std::move(error), true, tail});
}

void WorkerClient::abandonProcess()
{
    m_process->disconnect(this);
    m_channel->disconnect(this);
    m_process->deleteLater();
    m_process = nullptr;
    m_channel = nullptr;
    m_hello.reset();
}

/// The worker lives and has answered.
void WorkerClient::answerJobWith(JobFailure failure)
{
    const JobId id = m_job->id;
    m_job.reset();
    settle();
    reportFailure(id, std::move(failure));
}

void WorkerClient::reportFailure(JobId id, const JobFailure& failure)
{
    Q_EMIT remarked(tr("Job %1 ended: %2").arg(QString::number(id), shown(failure.error.sentence(), 1000)));
    Q_EMIT failed(id, failure);
}

void WorkerClient::failLater(JobId id, Error error)
{
    QMetaObject::invokeMethod(
        this,
        [this, id, error = std::move(error)] {
            Q_EMIT failed(id, JobFailure{error, false, {}});
        },
        Qt::QueuedConnection);
}

void WorkerClient::ignoreOnce(const QString& what)
{
    if (m_ignored.size() > 100 || m_ignored.contains(what)) // a hostile worker must not fill the set
        return;
    m_ignored.insert(what);
    Q_EMIT remarked(tr("Ignored from the worker: %1").arg(what));
}

void WorkerClient::readLog()
{
    qsizetype skipped = 0;
    QStringList lines = m_log.append(m_process->readAllStandardError(), kLogLinesPerRead, skipped);
    if (skipped > 0)
        lines.prepend(tr("... %1 lines left out ...").arg(skipped));
    if (!lines.isEmpty())
        Q_EMIT logged(lines);
}

} // namespace sa::ui
