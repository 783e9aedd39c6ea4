// SPDX-License-Identifier: GPL-3.0-or-later
// shiftadd-worker: the engine behind a pipe (docs/PROTOCOL.md). No options; people want `shiftadd` or the window.
#include "app/logging.h"
#include "core/engine/job.h"
#include "core/worker/command_loop.h"
#include "core/worker/standard_streams.h"
#include "sa/kernels/lut_gemm.h"

#include <spdlog/spdlog.h>

#include <exception>

namespace
{

sa::Hello makeHello()
{
    sa::Hello hello;
    hello.build = sa::buildVersion();
    hello.kernel = sa::kernels::lutGemmTarget();
    const auto devices = sa::parseDevices(sa::devices());
    if (devices)
        hello.devices = *devices;
    else
        spdlog::error("the engine's devices: {}", devices.error().sentence());
    return hello;
}

int run()
{
    // Before anything else: libraries print to fd 1.
    const auto streams = sa::claimStandardStreams();
    sa::setUpLogging("info");
    if (!streams) {
        spdlog::critical("{}", streams.error().sentence());
        return sa::exitStatus(streams.error().code);
    }
    const auto stop = sa::catchStopSignals();
    if (!stop) {
        spdlog::critical("{}", stop.error().sentence());
        return sa::exitStatus(stop.error().code);
    }
    const sa::LoopEnd end = sa::runCommandLoop(makeHello(), {streams->input, streams->output, *stop}, sa::runJob);
    return end == sa::LoopEnd::LineTooLong ? sa::exitStatus(sa::Errc::Protocol) : 0;
}

} // namespace

int main()
{
    try {
        return run();
    } catch (const std::exception& error) {
        spdlog::critical("the worker ends: {}", error.what());
        return 1;
    }
}
