// SPDX-License-Identifier: GPL-3.0-or-later
// Jobs in the test's own process.
#pragma once

#include "core/engine/job.h"

#include <cmath>
#include <functional>
#include <vector>

namespace test
{

inline sa::Result<sa::Json> run(const sa::JobSpec& spec, std::vector<sa::Json>* events = nullptr,
                                const sa::CancelToken& cancel = {})
{
    return sa::runJob(
        spec,
        [&](const sa::Json& event) {
            if (events)
                events->push_back(event);
        },
        cancel);
}

/// Cancels, or does `then`, as soon as `layers` layers were computed.
inline sa::Result<sa::Json> runUntil(const sa::JobSpec& spec, int layers, const std::function<void()>& then = {})
{
    sa::CancelToken cancel;
    int seen = 0;
    return sa::runJob(
        spec,
        [&](const sa::Json& event) {
            if (event.contains("layer") && !event["layer"].value("restored", false) && ++seen == layers)
                then ? then() : cancel.cancel();
        },
        cancel);
}

/// On the first windows of 256 tokens of the bundled text; NaN when the job fails.
inline double perplexityOf(const std::string& model, int windows)
{
    sa::EvaluateSpec spec;
    spec.model = model;
    spec.text = SA_SOURCE_DIR "/resources/sample-text/evaluation.raw.txt";
    spec.join = "raw";
    spec.seqlen = 256;
    spec.maxWindows = windows;
    const auto result = run(spec);
    return result ? (*result)["perplexity"].get<double>() : NAN;
}

} // namespace test
