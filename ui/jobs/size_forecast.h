// SPDX-License-Identifier: GPL-3.0-or-later
// What a uniform `lat` run will store, before it runs. Exact for the quantized layers: planes are 32-bit words
// [ceil(K/32)][q][N], scales 16-bit words [ceil(K/8)][q][ceil(N/R)].
#pragma once

#include "ui/models/model_summary.h"

#include <cstdint>
#include <optional>

namespace sa::ui
{

struct SizeForecast {
    std::uint64_t storedBytes = 0; ///< all weight files; headers, some KiB, are not counted
    std::uint64_t packedBytes = 0; ///< the quantized layers alone
    double bitsPerWeight = 0;      ///< of the quantized layers, scales included
};

/// `groupRows`: R; by default ceil(N/8) of each layer.
std::uint64_t packedLayerBytes(std::int64_t N, std::int64_t K, int bits, std::optional<int> groupRows);
SizeForecast forecastSize(const ModelSummary& model, int bits, std::optional<int> groupRows);

} // namespace sa::ui
