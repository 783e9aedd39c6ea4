// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/layer_ledger.h"

#include "core/protocol/messages.h"

namespace sa
{

void LayerLedger::add(const LinearInfo& layer, const PackedWeight& packed, const LayerOutcome& outcome)
{
    enter(layer, packed.q, packed.storedBytes(), outcome);
    PackedLayerInfo& info = m_info.layers[layer.name] = PackedLayerInfo::of(layer.name, packed);
    info.error = outcome.error;
    info.relativeError = outcome.relativeError;
}

void LayerLedger::enter(const LinearInfo& layer, int bits, std::uint64_t storedBytes, const LayerOutcome& outcome)
{
    LayerResult event;
    event.name = layer.name;
    event.block = layer.block;
    event.index = static_cast<int>(m_layers.size());
    event.bits = bits;
    event.N = layer.N;
    event.K = layer.K;
    event.error = outcome.error;
    event.relativeError = outcome.relativeError;
    event.seconds = outcome.seconds;
    event.restored = outcome.restored;
    event.bytes = storedBytes;
    const Json message = toJson(event);
    m_context.emit(message);
    m_layers.push_back(message["layer"]);
    m_bytes += storedBytes;
    m_weights += static_cast<std::uint64_t>(layer.N) * static_cast<std::uint64_t>(layer.K);
}

void LayerLedger::enterKept(const ModelFolder& model, int block, const std::map<std::string, int>& widths)
{
    for (const auto& layer : linearLayersOfBlock(model.config, block)) {
        if (widths.contains(layer.name))
            continue;
        const TensorInfo* tensor = *model.store.find(layer.name + ".weight");
        enter(layer, 8 * sizeBytes(tensor->dtype), tensor->sizeBytes, {});
    }
}

Json LayerLedger::result(const std::string& out, double seconds, std::uint64_t storedBytes) const
{
    return Json{{"out", out},
                {"seconds", seconds},
                {"bits_per_weight", bitsPerWeight()},
                {"stored_bytes", storedBytes},
                {"nominal_stored_bytes", storedBytes},
                {"original_bytes", m_info.originalBytes},
                {"layers", m_layers}};
}

std::vector<PackedWriter::Tensor> shardTensors(const std::vector<std::string>& names,
                                               const std::map<std::string, const PackedWeight*>& packed)
{
    constexpr std::string_view kWeight = ".weight";
    std::vector<PackedWriter::Tensor> out;
    for (const auto& tensor : names) {
        const std::string layer = tensor.ends_with(kWeight) ? tensor.substr(0, tensor.size() - kWeight.size()) : "";
        const auto place = packed.find(layer);
        if (place == packed.end())
            out.push_back({tensor, nullptr});
        else
            out.push_back({layer, place->second});
    }
    return out;
}

} // namespace sa
