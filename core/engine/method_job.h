// SPDX-License-Identifier: GPL-3.0-or-later
// `quantize` with a method from a plugin.
#pragma once

#include "core/engine/jobs.h"

namespace sa
{

/// Planes go into a packed folder, dense results into an ordinary one with a record beside it (docs/FORMAT.md).
Result<Json> quantizeWithMethod(const QuantizeSpec& spec, const JobContext& context);

/// The built-in method's parameters are members of the job itself: the spec with `options` moved to where they belong.
Result<QuantizeSpec> withOwnOptions(const QuantizeSpec& spec);

} // namespace sa
