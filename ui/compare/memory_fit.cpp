// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/compare/memory_fit.h"

#include <algorithm>

namespace sa::ui
{

namespace
{

constexpr std::uint64_t kProcessBytes = 200u << 20; ///< libtorch and its pools: 150 to 200 MiB before a model is loaded
constexpr double kHeadroom = 0.9; ///< of what is free: caches, activations and the rest of the system want some

} // namespace

std::uint64_t residentBytes(const ModelSummary& model)
{
    std::uint64_t planes = 0;
    std::int64_t packedWeights = 0;
    for (const LayerRow& layer : model.layers) {
        if (!model.packed || layer.dtype != QLatin1String("planes"))
            continue;
        planes += layer.bytes;
        packedWeights += layer.N * layer.K;
    }
    if (model.head && model.head->quantized) {
        planes += model.head->bytes;
        packedWeights += model.head->tied ? 0 : model.head->N * model.head->K;
    }
    const auto dense = static_cast<std::uint64_t>(std::max<std::int64_t>(0, model.parameters - packedWeights));
    return kProcessBytes + planes + 4 * dense;
}

MemoryFit memoryFit(const ModelSummary& left, const ModelSummary& right, std::optional<std::uint64_t> available)
{
    MemoryFit fit;
    fit.needed = residentBytes(left) + residentBytes(right);
    fit.available = available.value_or(0);
    fit.together = !available || static_cast<double>(fit.needed) <= kHeadroom * static_cast<double>(*available);
    return fit;
}

} // namespace sa::ui
