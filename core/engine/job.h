// SPDX-License-Identifier: GPL-3.0-or-later
// Runs one job from start to end on the calling thread. Worker and command line are two callers of the same function.
#pragma once

#include "core/base/cancel.h"
#include "core/base/json.h"
#include "core/protocol/job_spec.h"

#include <functional>

namespace sa
{

/// Receives {"progress":{...}}, {"layer":{...}}, {"token":{...}}, {"note":{...}} (docs/PROTOCOL.md), always from the
/// job's thread, progress at most 10 a second.
using EventSink = std::function<void(const Json& event)>;

/// The `result` object, or the error that ended the job. Never throws; nothing half-written stays behind.
Result<Json> runJob(const JobSpec& spec, const EventSink& emit, const CancelToken& cancel);

/// [{"id":"cpu","name":...,"threads":...,"memory_bytes":...}, {"id":"cuda:0",...}]
Json devices();

} // namespace sa
