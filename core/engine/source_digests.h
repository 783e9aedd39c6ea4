// SPDX-License-Identifier: GPL-3.0-or-later
// What a packed folder records about the model that it was made from.
#pragma once

#include "core/engine/jobs.h"

namespace sa
{

/// quantization_config.source: the SHA-256 of every weight file, of the configuration and of tokenizer.json. Where
/// there is no config.json, of what it would say; without tokenizer.json, null. Reads all weights; reports progress.
Result<Json> hashSource(const ModelFolder& model, const JobContext& context);
/// Its `config_sha256` alone: reads no weights.
Result<std::string> configDigest(const ModelFolder& model, const CancelToken& cancel);
/// Tells models apart by their configuration, the names and sizes of their weight files and samples of their content:
/// quick however large they are, the same wherever the folder lies. No proof that every weight is the same.
Result<std::string> modelFingerprint(const ModelFolder& model, const CancelToken& cancel);

} // namespace sa
