// SPDX-License-Identifier: GPL-3.0-or-later
// The options of a method against its schema: one validator for the window, the command line and the engine.
#pragma once

#include "core/methods/method_info.h"

namespace sa
{

/// The value as the schema has it (an integer stays one, a whole number becomes a number where one is wanted); or an
/// error that names the range.
Result<Json> checkedOption(const ParameterInfo& parameter, const JsonField& value);

/// `given` with every parameter of the method in it. What it leaves open comes from `job` where that has a member of
/// the same name (bits, seed: settings that every method shares), otherwise from the schema. Usage errors name the
/// parameter ("options.bits") and what the method knows.
Result<Json> completeOptions(const MethodInfo& method, const Json& given, const Json& job = Json::object());

} // namespace sa
