// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/reporter.h"
#include "core/protocol/messages.h"

namespace sa::cli
{

namespace
{

class JsonReporter final : public Reporter
{
public:
    explicit JsonReporter(Output& output)
        : m_output(output)
    {
    }

    void event(const Json& event) override { m_output.write(eventLine(0, event)); }
    void finished(const Result<Json>& outcome) override
    {
        event(outcome ? toJson(JobResult{*outcome}) : toJson(outcome.error()));
    }

private:
    Output& m_output;
};

} // namespace

std::unique_ptr<Reporter> makeJsonReporter(Output& output)
{
    return std::make_unique<JsonReporter>(output);
}

} // namespace sa::cli
