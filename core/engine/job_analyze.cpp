// SPDX-License-Identifier: GPL-3.0-or-later
// `analyze`: how much each layer suffers at each bit width.
#include "core/engine/jobs.h"

namespace sa
{

Result<Json> analyzeModel(const AnalyzeSpec& spec, const JobContext&)
{
    return makeError(Errc::Unsupported, "analysis is not built yet").in(spec.model);
}

} // namespace sa
