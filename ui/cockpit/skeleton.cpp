// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/skeleton.h"

#include "ui/jobs/size_forecast.h"
#include "ui/text.h"

#include <algorithm>
#include <map>

namespace sa::ui
{

Sensitivity skeletonOf(const ModelSummary& model, const QuantizerOptions& options)
{
    Sensitivity out;
    out.model.architecture = toUtf8(model.architecture);
    out.model.name = toUtf8(model.displayName());
    std::map<int, int> placesTaken;
    std::uint64_t replaced = 0;
    for (const LayerRow& row : model.layers) {
        if (!row.quantizable)
            continue;
        LinearSensitivity linear;
        linear.name = toUtf8(row.name);
        const std::size_t dot = linear.name.rfind('.');
        linear.projection = dot == std::string::npos ? linear.name : linear.name.substr(dot + 1);
        linear.block = row.block;
        linear.index = placesTaken[row.block]++;
        linear.N = row.N;
        linear.K = row.K;
        for (int bits = 1; bits <= 4; ++bits)
            linear.choices.push_back({bits, packedLayerBytes(row.N, row.K, bits, options.groupRows), {}, {}});
        const Figure nothing{0, Provenance::Measured};
        linear.choices.push_back({kKeptBits, row.bytes, nothing, nothing});
        replaced += row.bytes;
        out.linears.push_back(std::move(linear));
    }
    out.otherBytes = model.storedBytes - std::min(model.storedBytes, replaced);
    return out;
}

} // namespace sa::ui
