// SPDX-License-Identifier: GPL-3.0-or-later
// Whether two models can be in memory at once, from what an `open` job says of them. An estimate, and told as one.
#pragma once

#include "ui/models/model_summary.h"

#include <optional>

namespace sa::ui
{

/// Of a worker that answers prompts with the model: dense weights are held in float32, planes as they are stored; the
/// libraries take their share, too. Without the key-value cache, which grows with the conversation.
std::uint64_t residentBytes(const ModelSummary& model);

struct MemoryFit {
    bool together = true; ///< both fit, as far as is known
    std::uint64_t needed = 0, available = 0;
};
/// `available` empty: assumes that they fit.
MemoryFit memoryFit(const ModelSummary& left, const ModelSummary& right, std::optional<std::uint64_t> available);

} // namespace sa::ui
