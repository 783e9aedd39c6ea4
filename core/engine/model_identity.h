// SPDX-License-Identifier: GPL-3.0-or-later
// Which model a folder holds, by content: what results of an evaluation are kept under.
#pragma once

#include "core/engine/jobs.h"

namespace sa
{

/// {"weights_sha256": {file: digest}, "config_sha256": ..., "tokenizer_sha256": {file: digest}}. Digests of files that
/// have not changed since (same path, size, time of change to the nanosecond, inode) are remembered in
/// CACHE/digests.json, so that only the first look at a model reads all its weights. Reports progress ("hash").
Result<Json> modelIdentity(const ModelFolder& model, const JobContext& context);

} // namespace sa
