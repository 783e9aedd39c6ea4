// SPDX-License-Identifier: GPL-3.0-or-later
// shiftadd: the jobs of docs/PROTOCOL.md on the command line. Exit status: 0 done, 1 failed, 2 usage, 3 input, 130
// cancelled.
#include "app/cli/arguments.h"
#include "app/cli/format.h"
#include "app/cli/reporter.h"
#include "app/logging.h"
#include "core/engine/job.h"
#include "core/protocol/messages.h"
#include "core/worker/standard_streams.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace
{

using namespace sa;

CancelToken cancelToken;

/// The first signal asks the job to stop at its next step, the second ends the process.
void onStopSignal(int number)
{
    if (cancelToken.cancelled()) {
        std::signal(number, SIG_DFL);
        std::raise(number);
        return;
    }
    cancelToken.cancel();
    constexpr char text[] = "\nCancelling; once more to stop at once\n";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, sizeof text - 1);
}

void catchSignals()
{
    static_assert(std::atomic<bool>::is_always_lock_free, "cancel() is called from a signal handler");
    std::signal(SIGPIPE, SIG_IGN);
    struct sigaction stop {
    };
    stop.sa_handler = onStopSignal;
    stop.sa_flags = SA_RESTART;
    for (const int number : {SIGINT, SIGTERM})
        ::sigaction(number, &stop, nullptr);
}

int fail(const Error& error, bool json, cli::Output& output)
{
    if (json)
        output.write(eventLine(0, toJson(error)));
    else
        std::fputs(cli::errorBlock(error).c_str(), stderr);
    return exitStatus(error.code);
}

int runInvocation(const cli::Invocation& invocation, cli::Output& output)
{
    const auto reporter =
        invocation.json ? cli::makeJsonReporter(output) : cli::makeTextReporter(output, invocation.spec);
    auto outcome = runJob(
        invocation.spec, [&](const Json& event) { reporter->event(event); }, cancelToken);
    if (!outcome)
        outcome = cli::inOptionNames(std::move(outcome).error());
    // The job was cancelled because its results cannot be written; that is the error to show.
    if (const auto written = output.status(); !written)
        outcome = written.error();
    // Nobody is left to read "cancelled" when the reader of a pipe has gone.
    if (!output.readerLeft())
        reporter->finished(outcome);
    if (outcome)
        if (const auto written = output.status(); !written)
            return fail(written.error(), false, output);
    if (!outcome)
        return exitStatus(outcome.error().code);
    const bool foundFaults = std::holds_alternative<DoctorSpec>(invocation.spec) && outcome->value("failed", 0) > 0;
    const bool overLimit = std::holds_alternative<ReportSpec>(invocation.spec) &&
                           !outcome->value(Json::json_pointer("/gate/accepted"), true);
    return foundFaults || overLimit ? exitStatus(Errc::BadInput) : 0;
}

/// For commands that are done at once and say all they have to say in one text.
int printOutcome(const Result<std::string>& text, bool json, cli::Output& output)
{
    if (!text)
        return fail(text.error(), json, output);
    output.write(*text);
    if (const auto written = output.status(); !written)
        return fail(written.error(), false, output);
    return 0;
}

int run(const std::vector<std::string>& arguments)
{
    const auto streams = claimStandardStreams(); // libraries print to fd 1
    setUpLogging("warning");
    cli::Output output(streams ? streams->output : STDOUT_FILENO, cancelToken);
    const bool json = cli::wantsJson(arguments);
    if (!streams)
        return fail(streams.error(), json, output);
    catchSignals();
    const auto parsed = cli::parseArguments(arguments);
    if (!parsed)
        return fail(parsed.error(), json, output);
    if (const auto* printout = std::get_if<cli::Printout>(&*parsed)) {
        output.write(printout->text);
        return 0;
    }
    if (const auto* command = std::get_if<cli::TokenizerCommand>(&*parsed))
        return printOutcome(cli::runTokenizerCommand(*command), command->json, output);
    if (const auto* command = std::get_if<cli::AllocateCommand>(&*parsed))
        return printOutcome(cli::runAllocateCommand(*command), command->json, output);
    return runInvocation(std::get<cli::Invocation>(*parsed), output);
}

} // namespace

int main(int argc, char** argv)
{
    try {
        return run(std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "shiftadd: %s\n", error.what());
        return 1;
    }
}
