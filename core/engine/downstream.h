// SPDX-License-Identifier: GPL-3.0-or-later
// What quantizing one layer alone does to the model: the mean Kullback-Leibler divergence KL(original || changed) of
// the next token, in nats, over all positions of some windows. A changed layer only changes what is behind it, so its
// windows start at its block; changed models travel through the blocks together, which are loaded one at a time.
#pragma once

#include "core/engine/jobs.h"
#include "core/engine/plane_spill.h"
#include "core/model/decoder.h"

namespace sa
{

class DownstreamMeter
{
public:
    /// All references must outlive the meter.
    DownstreamMeter(const ModelFolder& model, at::Device device, const JobContext& context);

    /// Runs the original model over the windows. What stays in memory is its first and last hidden states: 8 bytes
    /// times tokens times hidden.
    Result<void> prepare(std::vector<std::vector<std::int32_t>> windows);

    struct Variant {
        std::size_t linear = 0; ///< in the order of linearLayers()
        int bits = 0;           ///< of the planes in the spill; kKeptBits changes nothing
    };
    /// Variants in the order of their layers. As many travel together as a quarter of the free memory holds, at 4 bytes
    /// times tokens times hidden each; grouping does not change the figures. `onDone` hears of each: the divergence is
    /// NaN or infinite where the changed model's output is.
    Result<void> measure(const std::vector<Variant>& variants, const PlaneSpill& spill,
                         const std::function<Result<void>(const Variant&, double divergence)>& onDone,
                         const std::function<void(double)>& onStep);

    std::int64_t tokens() const { return m_tokens; }

private:
    struct Traveller {
        Variant variant;
        std::vector<at::Tensor> states; ///< per window, f32 [T, hidden]
    };
    Result<std::vector<Traveller>> travel(const std::vector<Variant>& wave, const PlaneSpill& spill, int nextBlock,
                                          const std::function<void(double)>& onStep);
    Result<void> depart(const DecoderBlock& block, const std::vector<Variant>& wave, int index, const PlaneSpill& spill,
                        std::vector<Traveller>& travellers);
    Result<std::vector<double>> divergences(const std::vector<Traveller>& travellers) const;
    Result<void> advance(std::vector<at::Tensor>& states, const DecoderBlock& block) const;
    std::size_t waveSize() const;

    const ModelFolder& m_model;
    at::Device m_device;
    const JobContext& m_context;
    std::vector<LinearInfo> m_linears;
    PositionEncoder m_positions;
    std::optional<Embeddings> m_embeddings;
    std::vector<std::vector<std::int32_t>> m_windows;
    std::vector<at::Tensor> m_original; ///< entering block m_at
    int m_at = 0;
    std::vector<at::Tensor> m_reference; ///< the original's last hidden states
    std::int64_t m_tokens = 0;
};

} // namespace sa
