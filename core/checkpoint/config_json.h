// SPDX-License-Identifier: GPL-3.0-or-later
// The configuration of a model folder, wherever it comes from.
#pragma once

#include "core/base/json.h"

namespace sa
{

/// config.json; or, for a folder that holds a checkpoint of llama2.c in its place, what config.json would say. NotFound
/// and BadInput use the sentences that people need most: no such folder, a file instead, no config.json.
Result<Json> readConfigJson(const std::string& folder);

} // namespace sa
