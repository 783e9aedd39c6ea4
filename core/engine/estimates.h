// SPDX-License-Identifier: GPL-3.0-or-later
// What a quantize job will need, from shapes alone. Memory and time are estimates; disk is exact but for headers.
#pragma once

#include "core/model/model_folder.h"
#include "core/protocol/job_spec.h"

namespace sa
{

/// Tokens in a calibration window: the spec's, or min(2048, the model's positions) as in the paper.
int calibrationWindow(const QuantizerOptions& spec, const ModelConfig& config);

/// The layers of the packed folder as the spec will make them; their errors are not known yet. `widths`: planes by
/// layer name, layers without an entry staying dense; empty: the spec's bits for all.
std::map<std::string, PackedLayerInfo> plannedLayers(const ModelFolder& model, const QuantizeSpec& spec,
                                                     const std::map<std::string, int>& widths = {});

/// Bytes of the head as the spec will store it beside or in place of its dense weight; 0: it is kept.
std::uint64_t plannedHeadBytes(const ModelFolder& model, const QuantizeSpec& spec);

/// Bytes of the packed folder: planes and scales in place of the dense weights, the rest as it is, 1 MiB for headers
/// and configuration. Tokenizer files are not counted.
std::uint64_t outputBytes(const ModelFolder& model, const QuantizeSpec& spec,
                          const std::map<std::string, int>& widths = {});

/// Peak bytes of the quantizing process: the larger of embeddings and one block in work, calibration activations, the
/// program itself.
std::uint64_t quantizeMemoryBytes(const ModelFolder& model, const QuantizeSpec& spec);

/// Bytes of the whole model in float32 with the packed layers as planes: what evaluating and chatting hold.
std::uint64_t residentBytes(const ModelFolder& model);

/// Seconds on this machine's cores; runs a product of matrices for some 50 ms to see how fast they are.
double quantizeSeconds(const ModelFolder& model, const QuantizeSpec& spec);

} // namespace sa
