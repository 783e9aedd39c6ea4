// SPDX-License-Identifier: GPL-3.0-or-later
// What the header of a model says for an allocation, before a byte of its weights was read: names, shapes, sizes at
// every width. All figures are missing.
#pragma once

#include "core/alloc/sensitivity.h"
#include "core/protocol/job_spec.h"
#include "ui/models/model_summary.h"

namespace sa::ui
{

Sensitivity skeletonOf(const ModelSummary& model, const QuantizerOptions& options);

} // namespace sa::ui
