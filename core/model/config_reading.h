// SPDX-License-Identifier: GPL-3.0-or-later
// What the families' readers share: fields that several of them have under the same name.
#pragma once

#include "core/model/config.h"

#include <functional>
#include <initializer_list>

namespace sa::config_reading
{

inline constexpr std::int64_t kMaxDimension = 1 << 24;
inline constexpr std::int64_t kMaxLayers = 4096;
inline constexpr std::int64_t kMaxPositions = std::int64_t{1} << 31;

/// hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, num_key_value_heads, head_dim, vocab_size,
/// max_position_embeddings, rms_norm_eps, tie_word_embeddings.
Result<void> readCommon(const JsonField& config, ModelConfig& out, bool tiedByDefault);

/// heads | hidden, unless head_dim is given.
Result<std::int64_t> readHeadDim(const JsonField& config, const ModelConfig& out, const char* headsField);

/// `key` as an activation; Unsupported for names outside `allowed`.
Result<Activation> readActivation(const JsonField& config, const char* key, const char* fallback,
                                  std::initializer_list<Activation> allowed);

/// rope_theta with rope_scaling (`type` or `rope_type`), or the newer rope_parameters.
Result<RopeConfig> readRope(const JsonField& config, const ModelConfig& model);
/// One object of scaling parameters; `fallbackTheta` when it has no rope_theta.
Result<RopeConfig> readRopeParameters(const JsonField& parameters, const ModelConfig& model, double fallbackTheta);

/// Per block the window where `layer_types` says sliding_attention; without that list where `slides(block)`.
Result<std::vector<std::int64_t>> readWindows(const JsonField& config, const ModelConfig& model, std::int64_t window,
                                              const std::function<bool(std::int64_t block)>& slides);

/// Unsupported unless the field is absent, null or equal to what the decoder does anyway.
Result<void> requireFlag(const JsonField& config, const char* key, bool value, bool fallback);

/// Refuses fields outside `known` that speak of computation and are not neutral: multipliers, norms, experts, clips.
Result<void> refuseUnknownComputation(const JsonField& config);

} // namespace sa::config_reading
