// SPDX-License-Identifier: GPL-3.0-or-later
// The whole decoder, resident, in float32.
#pragma once

#include "core/base/cancel.h"
#include "core/model/decoder_block.h"
#include "core/model/embeddings.h"

#include <functional>

namespace sa
{

struct StepModel;

class Decoder
{
public:
    static Result<Decoder> load(const ModelFolder& model, at::Device device, const CancelToken& cancel,
                                const std::function<void(int done, int of)>& progress = {},
                                PackedForm form = PackedForm::Planes);

    /// Hidden states after the last block, before the final norm: f32 [T, hidden].
    at::Tensor hidden(std::span<const std::int32_t> ids, std::vector<KvCache>* caches = nullptr) const;
    at::Tensor logits(const at::Tensor& hidden) const { return m_embeddings.logits(hidden); }

    std::vector<KvCache> makeCaches(std::int64_t capacity) const;
    /// From now on weights, inputs and outputs of the linears and the states between blocks are rounded to float16, as
    /// a program in half precision has them; sums stay in float32. What is off by that much is noise.
    void roundToHalf();
    const Embeddings& embeddings() const { return m_embeddings; }
    const ModelConfig& config() const { return m_config; }
    at::Device device() const { return m_device; }
    const std::vector<DecoderBlock>& blocks() const { return m_blocks; }
    const PositionEncoder& positions() const { return m_positions; }
    bool roundsToHalf() const { return m_half; }
    std::int64_t blockWeightBytes() const; ///< resident bytes of the blocks' linears
    /// What a decode step on a device runs (decode_step.h), made when first asked for; null: no step can run this.
    std::shared_ptr<const StepModel> stepModel() const;

private:
    at::Tensor step(std::int32_t id, std::vector<KvCache>& caches) const; ///< `hidden` of one token on the CPU
    Decoder(ModelConfig config, at::Device device, Embeddings embeddings);
    ModelConfig m_config;
    at::Device m_device;
    Embeddings m_embeddings;
    std::vector<DecoderBlock> m_blocks;
    PositionEncoder m_positions;
    bool m_half = false;
    mutable std::shared_ptr<const StepModel> m_stepModel;
};

} // namespace sa
