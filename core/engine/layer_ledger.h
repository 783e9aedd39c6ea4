// SPDX-License-Identifier: GPL-3.0-or-later
// The books of a job that makes a packed folder: each finished layer as an event, in the folder's configuration and in
// the result.
#pragma once

#include "core/checkpoint/packed_checkpoint.h"
#include "core/engine/jobs.h"

namespace sa
{

struct LayerOutcome {
    double error = 0, relativeError = 0, seconds = 0;
    bool restored = false; ///< by an earlier process of the same job
};

class LayerLedger
{
public:
    /// `info` gets an entry for each layer; both must outlive the ledger.
    LayerLedger(QuantizationInfo& info, const JobContext& context)
        : m_info(info)
        , m_context(context)
    {
    }

    /// Emits the layer's event and enters it.
    void add(const LinearInfo& layer, const PackedWeight& packed, const LayerOutcome& outcome);
    std::size_t count() const { return m_layers.size(); }
    /// What `quantize` answers (docs/PROTOCOL.md).
    Json result(const std::string& out, double seconds, std::uint64_t storedBytes) const;

private:
    QuantizationInfo& m_info;
    const JobContext& m_context;
    Json m_layers = Json::array();
    std::uint64_t m_packedBits = 0, m_weights = 0;
};

/// The tensors of one shard: packed layers, by layer name, in place of their dense weights, everything else copied.
std::vector<PackedWriter::Tensor> shardTensors(const std::vector<std::string>& names,
                                               const std::map<std::string, const PackedWeight*>& packed);

} // namespace sa
