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

    /// Enters a packed layer: emits its event, adds it to `info`.
    void add(const LinearInfo& layer, const PackedWeight& packed, const LayerOutcome& outcome);
    /// A layer that is dense in the folder; `storedBytes`: what its method's own format would take.
    void enter(const LinearInfo& layer, int bits, std::uint64_t storedBytes, const LayerOutcome& outcome);
    /// The layers of a block that a plan leaves as they are: those without an entry in `widths`.
    void enterKept(const ModelFolder& model, int block, const std::map<std::string, int>& widths);
    std::size_t count() const { return m_layers.size(); }
    const Json& layers() const { return m_layers; }
    std::uint64_t bytes() const { return m_bytes; } ///< of the quantized layers
    double bitsPerWeight() const { return 8.0 * static_cast<double>(m_bytes) / static_cast<double>(m_weights); }
    /// What `quantize` answers (docs/PROTOCOL.md).
    Json result(const std::string& out, double seconds, std::uint64_t storedBytes) const;

private:
    QuantizationInfo& m_info;
    const JobContext& m_context;
    Json m_layers = Json::array();
    std::uint64_t m_bytes = 0, m_weights = 0;
};

/// The tensors of one shard: packed layers, by layer name, in place of their dense weights, everything else copied.
std::vector<PackedWriter::Tensor> shardTensors(const std::vector<std::string>& names,
                                               const std::map<std::string, const PackedWeight*>& packed);

} // namespace sa
