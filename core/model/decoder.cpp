// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/decoder.h"

#include "core/base/parallel.h"
#include "core/model/linear.h"
#include "core/model/step_model.h"

#include <ATen/ATen.h>
#include <algorithm>

namespace sa
{

Decoder::Decoder(ModelConfig config, at::Device device, Embeddings embeddings)
    : m_config(std::move(config))
    , m_device(device)
    , m_embeddings(std::move(embeddings))
    , m_positions(m_config, device)
{
}

Result<Decoder> Decoder::load(const ModelFolder& model, at::Device device, const CancelToken& cancel,
                              const std::function<void(int, int)>& progress, PackedForm form)
{
    SA_TRY(Embeddings embeddings, Embeddings::load(model, device, form));
    Decoder decoder(model.config, device, std::move(embeddings));
    const int blocks = static_cast<int>(model.config.layers);
    for (int i = 0; i < blocks; ++i) {
        SA_CHECK(cancel.check());
        SA_TRY(DecoderBlock block, DecoderBlock::load(model, i, device, form));
        decoder.m_blocks.push_back(std::move(block));
        if (progress)
            progress(i + 1, blocks);
    }
    return decoder;
}

at::Tensor Decoder::hidden(std::span<const std::int32_t> ids, std::vector<KvCache>* caches) const
{
    if (caches && ids.size() == 1 && m_device.is_cpu() && !m_half &&
        caches->front().length < caches->front().keys.size(1) &&
        std::all_of(m_blocks.begin(), m_blocks.end(), [](const DecoderBlock& block) { return block.canStep(); }))
        return step(ids.front(), *caches);
    const std::int64_t past = caches ? caches->front().length : 0;
    const PositionCodes positions = m_positions.at(past, static_cast<std::int64_t>(ids.size()));
    at::Tensor state = m_embeddings.embed(ids, past);
    for (std::size_t i = 0; i < m_blocks.size(); ++i) {
        state = m_blocks[i].forward(state, positions, caches ? &(*caches)[i] : nullptr);
        if (m_half)
            state = roundedToHalf(state);
    }
    return state;
}

at::Tensor Decoder::step(std::int32_t id, std::vector<KvCache>& caches) const
{
    const std::int64_t past = caches.front().length, width = m_config.hidden;
    const PositionCodes positions = m_positions.at(past, 1);
    const at::Tensor input = m_embeddings.embed(std::span(&id, 1), past).contiguous();
    at::Tensor output = at::empty_like(input);
    const float* in = input.data_ptr<float>();
    float* out = output.data_ptr<float>();
    thread_local StepMemory kept;
    StepMemory& memory = kept; // the name means another object in every thread
    memory.arrange(m_config, past + 1, parallelThreads());
    parallelTeam([&](Team& team, int rank) {
        const StepMemory::Own& own = memory.own(rank);
        std::copy_n(in, width, own.state);
        for (std::size_t i = 0; i < m_blocks.size(); ++i)
            m_blocks[i].step(team, memory, own, width, positions, caches[i]);
        if (rank == 0)
            std::copy_n(own.state, width, out);
    });
    for (KvCache& cache : caches)
        ++cache.length;
    return output;
}

std::vector<KvCache> Decoder::makeCaches(std::int64_t capacity) const
{
    std::vector<KvCache> caches;
    const auto options = at::TensorOptions().dtype(at::kFloat).device(m_device);
    for (std::size_t i = 0; i < m_blocks.size(); ++i) {
        const at::Tensor empty = at::empty({m_config.kvHeads, capacity, m_config.headDim}, options);
        caches.push_back({empty, at::empty_like(empty), 0});
    }
    return caches;
}

void Decoder::roundToHalf()
{
    m_half = true;
    m_stepModel = nullptr;
    for (DecoderBlock& block : m_blocks)
        block.roundToHalf();
}

std::shared_ptr<const StepModel> Decoder::stepModel() const
{
    if (!m_stepModel && m_device.is_cuda())
        if (auto model = stepModelOf(*this))
            m_stepModel = std::make_shared<const StepModel>(std::move(*model));
    return m_stepModel;
}

std::int64_t Decoder::blockWeightBytes() const
{
    std::int64_t sum = 0;
    for (const auto& block : m_blocks)
        sum += block.weightBytes();
    return sum;
}

} // namespace sa
