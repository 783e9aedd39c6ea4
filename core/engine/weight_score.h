// SPDX-License-Identifier: GPL-3.0-or-later
// What the weights of one layer say before any text is looked at.
#pragma once

#include "core/alloc/sensitivity.h"
#include "core/model/model_folder.h"
#include "core/protocol/job_spec.h"

namespace sa
{

/// Reads one tensor. Filled: name to K, the bytes of every choice, `error` as estimated (the residual of the plain fit
/// on some of the layer's groups of weights; in a rotated basis that of normal values), `weightScore`, and of the
/// detail what is about weights. BadFormat names a tensor with NaN or infinity.
///
/// weightScore = TODO
Result<LinearSensitivity> scoreWeights(const ModelFolder& model, const LinearInfo& layer, const AnalyzeSpec& spec);

/// Bytes of a layer's planes, scales and exponents.
std::uint64_t packedBytes(const LinearInfo& layer, const QuantizerOptions& options, int bits, bool rescaled);

} // namespace sa
