// SPDX-License-Identifier: GPL-3.0-or-later
// What a job says, for scripts (JSON lines) or for people (progress on stderr, text and tables on stdout).
#pragma once

#include "app/cli/output.h"
#include "core/protocol/job_spec.h"

#include <memory>

namespace sa::cli
{

class Reporter
{
public:
    virtual ~Reporter() = default;
    virtual void event(const Json& event) = 0;              ///< an event of docs/PROTOCOL.md, without id
    virtual void finished(const Result<Json>& outcome) = 0; ///< once, last
};

/// Both borrow `output`.
std::unique_ptr<Reporter> makeJsonReporter(Output& output);
std::unique_ptr<Reporter> makeTextReporter(Output& output, const JobSpec& spec);

} // namespace sa::cli
