// SPDX-License-Identifier: GPL-3.0-or-later
// A recipe: every option of a quantize job that can influence its result, and nothing of the machine, the paths or the
// time. What a checkpoint records can be read again and used for another model.
#pragma once

#include "core/protocol/job_spec.h"

namespace sa
{

/// The members of the built-in method's job; of another method `method`, `options` and what draws the windows.
Json recipeOf(const QuantizeSpec& spec);

/// A JSON file with members of a quantize job's spec, paths included if it likes. BadFormat names an unknown member and
/// what there is; values are left to parseJobSpec.
Result<Json> readRecipe(const std::string& path);

} // namespace sa
