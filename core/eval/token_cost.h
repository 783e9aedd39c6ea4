// SPDX-License-Identifier: GPL-3.0-or-later
// What one decoded token costs a whole model, from shapes alone: its linear layers one by one, and everything around
// them. Operations are the algorithm's and the same on every machine; bytes assume that weights, activations and the
// cache come from memory once for each use. Exponentials, roots, maxima and reciprocals are not counted: there are a
// few for each activation, the same in every form of a model.
#pragma once

#include "core/eval/energy.h"
#include "core/model/model_folder.h"

#include <map>

namespace sa
{

struct LayerCost {
    std::string name;
    Cost cost;
    Operations kernel; ///< the same product as this program's CPU kernel executes it
};

struct PartCost {
    const char* name = ""; ///< "embedding", "attention", "elementwise", "head"
    Cost cost;
};

struct TokenCost {
    std::vector<LayerCost> layers; ///< in the order of linearLayers()
    std::vector<PartCost> parts;   ///< everything else

    Cost inLayers() const;
    Cost around() const;
    Operations kernelInLayers() const;
};

/// Float width that the model was made for, 16 or 32: that of its original linear weights.
int arithmeticBits(const ModelFolder& model);

/// One token with `context` positions to attend to, itself included (>= 1; windows see less). Layers named in `planes`
/// run from planes with scales of `terms` powers of two (the head, too, where it is named), all others dense in their
/// original type. `byteHead`: the head is of signed bytes.
TokenCost tokenCost(const ModelFolder& model, const std::map<std::string, PackedLayerInfo>& planes, int terms,
                    std::int64_t context, bool byteHead = false);

} // namespace sa
