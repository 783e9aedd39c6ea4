// SPDX-License-Identifier: GPL-3.0-or-later
// The window's end of docs/PROTOCOL.md: one worker process, one job at a time, started on demand and again after a
// death. Treats the worker as broken until shown otherwise; never blocks; never ends a silent worker by itself.
#pragma once

#include "ui/worker/job_service.h"
#include "ui/worker/log_ring.h"
#include "ui/worker/worker_death.h"

#include <QElapsedTimer>
#include <QProcess>
#include <QSet>
#include <QStringList>
#include <QTimer>

#include <optional>

namespace sa::ui
{

class LineChannel;

struct WorkerCommand {
    QString program;
    QStringList arguments;
};

class WorkerClient final : public JobService
{
    Q_OBJECT
public:
    enum class State {
        NotStarted,
        Starting, ///< the process runs, its hello has not come
        Ready,
        Busy,
        Stopping, ///< a job was asked to stop, or a broken worker is being ended
        Dead,     ///< ended; the next start() launches a new process
    };
    Q_ENUM(State)

    /// The rungs of the ladder, as shown to the user.
    enum class StopStage { None, Asked, Heard, Terminating, Killing };
    Q_ENUM(StopStage)

    struct Timing {
        int cancelMs = 5000;    ///< from cancel to SIGTERM
        int terminateMs = 5000; ///< from SIGTERM to SIGKILL
        int silenceMs = 6000;   ///< three missed ticks: worth a word
    };

    explicit WorkerClient(WorkerCommand command, QObject* parent = nullptr);
    WorkerClient(WorkerCommand command, Timing timing, QObject* parent = nullptr);
    ~WorkerClient() override;

    JobId start(const JobSpec& spec) override;
    void cancel(JobId id) override;
    bool isBusy() const override;

    /// Starts the process ahead of the first job; nothing happens when it runs already.
    void warmUp();
    /// End of file on the worker's stdin: it stops its job and exits. No state is reported afterwards.
    void shutDown();

    State state() const { return m_state; }
    StopStage stopStage() const { return m_stopStage; }
    int secondsToNextStage() const; ///< until the next rung, 0 at the last
    const std::optional<Hello>& hello() const { return m_hello; }
    qint64 processId() const;

Q_SIGNALS:
    void stateChanged(sa::ui::WorkerClient::State state);
    void stopStageChanged(sa::ui::WorkerClient::StopStage stage);
    /// Whole seconds without a line from a worker that owes one; 0 when it spoke again.
    void silenceChanged(int seconds);
    /// Lines of the worker's stderr, escaped.
    void logged(const QStringList& lines);
    /// Something about the connection that the log should keep: ignored messages, starts and ends of the process.
    void remarked(const QString& text);
    /// The worker ended while no job ran.
    void diedIdle(const sa::Error& error);

private:
    struct Job {
        JobId id = 0;
        JobSpec spec;
        std::optional<Progress> last;
        bool sent = false;
        bool cancelled = false;
        bool forNextProcess = false; ///< waits for the end of a worker that was told to end
    };

    void launch();
    void send(const std::string& line);
    void sendJob();
    void setState(State state);
    void settle();
    void setStopStage(StopStage stage);
    void climb();
    void checkSilence();
    void onMessage(const WorkerMessage& message);
    void onHello(const Hello& hello);
    void onProgress(const Progress& progress);
    void onFailedToStart();
    void onProcessGone();
    void onViolation(const Error& error);
    void abandonProcess();
    void answerJobWith(JobFailure failure);
    void reportFailure(JobId id, const JobFailure& failure);
    void failLater(JobId id, Error error);
    void ignoreOnce(const QString& what);
    void readLog();

    WorkerCommand m_command;
    Timing m_timing;
    State m_state = State::NotStarted;
    StopStage m_stopStage = StopStage::None;
    QProcess* m_process = nullptr;
    LineChannel* m_channel = nullptr;
    std::optional<Hello> m_hello;
    std::optional<WorkerExit> m_exit; ///< known before the last bytes were read
    std::optional<Job> m_job;
    std::optional<Error> m_breach; ///< why a running process is being ended
    JobId m_lastId = 0;
    LogRing m_log;
    QSet<QString> m_ignored;
    QTimer m_ladder;
    QTimer m_watch;
    QElapsedTimer m_lastSign;
    int m_shownSilence = 0;
    bool m_closing = false;
};

} // namespace sa::ui
