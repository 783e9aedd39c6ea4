// SPDX-License-Identifier: GPL-3.0-or-later
// What an analysis said of each layer beside what a quantize job then measured: how far a plan can be trusted.
#pragma once

#include "core/alloc/sensitivity.h"
#include "core/checkpoint/packed_checkpoint.h"

#include <optional>
#include <string>
#include <vector>

namespace sa
{

/// Kendall's rank correlation with ties (tau-b), -1..1; nothing where either side is constant or shorter than two.
std::optional<double> kendallTau(const std::vector<double>& a, const std::vector<double>& b);

/// A complete sensitivity from the cache folder that was made on `info`'s weights with its quantizer; that of
/// `identity` (identityOf()) goes before others.
std::optional<Sensitivity> findCachedSensitivity(const QuantizationInfo& info, const std::string& identity);

/// {"layers": [{"name", "bits", "predicted", "measured"}], "kendall_tau", "source"}: of the layers in `info` whose
/// error at their width is known; null when there are none. `source`: "plan" or "cache".
Json predictionOf(const QuantizationInfo& info, const Sensitivity& sensitivity, const std::string& source);

} // namespace sa
