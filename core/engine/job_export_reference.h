// SPDX-License-Identifier: GPL-3.0-or-later
// `export --format reference-pt`: the packed layers as the reference implementation of ShiftAddLLM keeps them, for its
// own tools. Only the codes and scales: everything else stays with the base model.
#pragma once

#include "core/base/staged_folder.h"
#include "core/engine/jobs.h"

namespace sa
{

/// Fills the stage with one file a layer, named after the model's folder. Unsupported names the layer that the form
/// cannot hold. Warns when scales had to be rounded to float32. Returns the bytes written.
Result<std::uint64_t> exportReference(const ModelFolder& model, const StagedFolder& stage, const JobContext& context);

} // namespace sa
