// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/jobs/size_forecast.h"

#include <algorithm>

namespace sa::ui
{

namespace
{

std::uint64_t ceilDiv(std::int64_t value, std::int64_t by)
{
    return static_cast<std::uint64_t>((value + by - 1) / by);
}

} // namespace

std::uint64_t packedLayerBytes(std::int64_t N, std::int64_t K, int bits, std::optional<int> groupRows)
{
    const std::int64_t R = std::max<std::int64_t>(1, groupRows ? std::min<std::int64_t>(*groupRows, N) : (N + 7) / 8);
    const auto q = static_cast<std::uint64_t>(bits);
    const std::uint64_t planes = ceilDiv(K, 32) * 4 * q * static_cast<std::uint64_t>(N);
    const std::uint64_t scales = 2 * ceilDiv(K, 8) * q * ceilDiv(N, R);
    return planes + scales + static_cast<std::uint64_t>(K); // an exponent a column: the window always rotates
}

HeadChange headChange(const ModelSummary& model, int headBits, std::optional<int> groupRows)
{
    if (!model.head || headBits == kKeptHeadBits)
        return {};
    const HeadRow& head = *model.head;
    const auto bytes =
        static_cast<std::int64_t>(headBits == kByteHeadBits ? static_cast<std::uint64_t>(head.N * (head.K + 4))
                                                            : packedLayerBytes(head.N, head.K, headBits, groupRows));
    const auto before = static_cast<std::int64_t>(head.bytes);
    return {head.tied ? bytes : bytes - before, bytes - before};
}

SizeForecast forecastSize(const ModelSummary& model, int bits, std::optional<int> groupRows, int headBits)
{
    SizeForecast forecast;
    std::uint64_t denseBytes = 0; // of the layers that will be replaced
    double weights = 0;
    for (const LayerRow& layer : model.layers) {
        if (!layer.quantizable)
            continue;
        forecast.packedBytes += packedLayerBytes(layer.N, layer.K, bits, groupRows);
        denseBytes += layer.bytes;
        weights += layer.weights();
    }
    forecast.storedBytes = model.storedBytes - std::min(model.storedBytes, denseBytes) + forecast.packedBytes;
    forecast.storedBytes += static_cast<std::uint64_t>(headChange(model, headBits, groupRows).stored); // modulo 2^64
    forecast.bitsPerWeight = weights > 0 ? 8.0 * static_cast<double>(forecast.packedBytes) / weights : 0;
    return forecast;
}

} // namespace sa::ui
