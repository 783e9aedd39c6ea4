// SPDX-License-Identifier: GPL-3.0-or-later
// What a uniform `lat` run will store, before it runs. Exact for the quantized layers: planes are 32-bit words
// [ceil(K/32)][q][N], scales 16-bit words [ceil(K/8)][q][ceil(N/R)].
#pragma once

#include "core/protocol/job_spec.h"
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

/// What a choice for the output head (QuantizeSpec::headBits) changes.
struct HeadChange {
    std::int64_t stored = 0;  ///< bytes of the folder: more where the embeddings were the head before
    std::int64_t traffic = 0; ///< bytes that a token reads
};
HeadChange headChange(const ModelSummary& model, int headBits, std::optional<int> groupRows);

/// `groupRows`: R; by default ceil(N/8) of each layer.
std::uint64_t packedLayerBytes(std::int64_t N, std::int64_t K, int bits, std::optional<int> groupRows);
SizeForecast forecastSize(const ModelSummary& model, int bits, std::optional<int> groupRows,
                          int headBits = kKeptHeadBits);

} // namespace sa::ui
