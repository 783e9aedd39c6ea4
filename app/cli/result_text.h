// SPDX-License-Identifier: GPL-3.0-or-later
// The results of docs/PROTOCOL.md as tables and lines for people.
#pragma once

#include "core/protocol/job_spec.h"

#include <string>

namespace sa::cli
{

/// What stdout gets at the end of a job. A generated text is not repeated: it was printed as it came.
std::string resultText(const JobSpec& spec, const Json& result);
/// One line of figures about a generated text, for stderr.
std::string generationSummary(const Json& result);

} // namespace sa::cli
