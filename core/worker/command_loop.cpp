// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/worker/command_loop.h"

#include "core/protocol/line_buffer.h"

#include <spdlog/spdlog.h>

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

namespace sa
{

namespace
{

class CommandLoop
{
public:
    CommandLoop(WorkerPipes pipes, JobRunner runner, OutputChannel::Options options)
        : m_pipes(pipes)
        , m_output(pipes.output, options)
        , m_jobs(std::move(runner), m_output)
    {
    }

    LoopEnd run(const Hello& hello)
    {
        m_output.reply(0, toJson(hello));
        const LoopEnd end = serve();
        m_output.stopWaiting(); // a job that waits for room could not see its cancel
        m_jobs.cancelAny();
        return end;
    }

private:
    LoopEnd serve()
    {
        // What no descriptor tells (a full disk under the output, say) is noticed at this interval.
        constexpr int pollMs = 500;
        std::vector<char> bytes(65536);
        while (true) {
            std::array<pollfd, 3> fds{{{m_pipes.input, POLLIN, 0}, {m_pipes.output, 0, 0}, {m_pipes.stop, POLLIN, 0}}};
            const int ready = ::poll(fds.data(), fds.size(), pollMs);
            if (m_output.closed() || (ready > 0 && (fds[1].revents & (POLLERR | POLLNVAL)) != 0))
                return LoopEnd::OutputClosed;
            if (ready < 0 && errno != EINTR)
                return LoopEnd::InputEnded;
            if (ready <= 0)
                continue;
            if (fds[2].revents != 0)
                return LoopEnd::Stopped;
            if (fds[0].revents == 0)
                continue;
            const ssize_t count = ::read(m_pipes.input, bytes.data(), bytes.size());
            if (count < 0 && (errno == EINTR || errno == EAGAIN))
                continue;
            if (count <= 0)
                return LoopEnd::InputEnded;
            const auto fed = m_lines.feed({bytes.data(), static_cast<std::size_t>(count)});
            while (const auto line = m_lines.next())
                handle(*line);
            if (!fed) {
                m_output.reply(0, toJson(fed.error()));
                return LoopEnd::LineTooLong;
            }
        }
    }

    void handle(const std::string& line)
    {
        auto request = parseRequest(line);
        if (!request) {
            m_output.reply(0, toJson(request.error()));
        } else if (request->kind == "cancel") {
            // Not an error: the cancel and the job's last line may have crossed.
            if (!m_jobs.cancel(request->id))
                spdlog::debug("cancel of job {}, which is not running", request->id);
        } else if (request->id <= m_lastId) {
            // Without an id: with it, the answer would read as the end of the other job.
            m_output.reply(0, toJson(makeError(Errc::Protocol, "a request uses an old id")
                                         .at("id")
                                         .butFound(std::to_string(request->id))
                                         .wanted("more than " + std::to_string(m_lastId))));
        } else {
            m_lastId = request->id;
            startJob(*request);
        }
    }

    void startJob(const Request& request)
    {
        auto spec = parseJobSpec(request.kind, request.spec);
        if (!spec)
            m_output.reply(request.id, toJson(spec.error()));
        else if (!m_jobs.start(request.id, *std::move(spec)))
            m_output.reply(request.id, toJson(makeError(Errc::Protocol, "another job is running")
                                                  .butFound("job " + std::to_string(m_jobs.running()))
                                                  .wanted("one job at a time")
                                                  .tryThis("Wait for its result, or cancel it")));
    }

    const WorkerPipes m_pipes;
    LineBuffer m_lines;
    std::int64_t m_lastId = 0;
    OutputChannel m_output;
    JobThread m_jobs; ///< after the channel: gone before it
};

} // namespace

LoopEnd runCommandLoop(const Hello& hello, WorkerPipes pipes, JobRunner runner, OutputChannel::Options options)
{
    return CommandLoop(pipes, std::move(runner), options).run(hello);
}

} // namespace sa
