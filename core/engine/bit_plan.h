// SPDX-License-Identifier: GPL-3.0-or-later
// How many planes each layer of a quantize job gets: the same for all, or what a plan file says.
#pragma once

#include "core/alloc/plan.h"
#include "core/engine/jobs.h"

#include <map>
#include <optional>
#include <string>

namespace sa
{

struct BitPlan {
    std::map<std::string, int> widths; ///< planes by layer name; a layer that is not here stays dense
    int bits = 0;                      ///< the one width of all layers; 0: they differ
    std::optional<Plan> plan;          ///< what the file says
};

/// BadInput when the plan does not name the model's layers, all of them and no other, or keeps them all; errors name
/// the file and the field.
Result<BitPlan> readBitPlan(const QuantizeSpec& spec, const ModelFolder& model);

/// BadInput naming the field when the plan was made for other weights than `source` (hashSource()) has. A warning where
/// it was made for another quantizer: then bytes and figures are not those of the plan. A plan written by hand may
/// leave out what it was made for.
Result<void> checkPlanIsFor(const BitPlan& plan, const QuantizeSpec& spec, const Json& source,
                            const JobContext& context);

} // namespace sa
