// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/downstream.h"

#include "core/alloc/sensitivity.h"
#include "core/base/memory_use.h"
#include "core/engine/group_quantizer.h"
#include "core/model/tensors.h"
#include "core/quant/device_sweep.h"

#include <ATen/ATen.h>
#include <algorithm>

namespace sa
{

namespace
{

/// Rows of logits at a time: about 64 MB for each of the few copies that a comparison takes.
std::int64_t logitRows(std::int64_t vocabulary)
{
    return std::clamp<std::int64_t>((std::int64_t{16} << 20) / vocabulary, 16, 256);
}

} // namespace

DownstreamMeter::DownstreamMeter(const ModelFolder& model, at::Device device, const JobContext& context)
    : m_model(model)
    , m_device(device)
    , m_context(context)
    , m_linears(linearLayers(model.config))
    , m_positions(model.config, device)
{
}

Result<void> DownstreamMeter::prepare(std::vector<std::vector<std::int32_t>> windows)
{
    SA_TRY(m_embeddings, Embeddings::load(m_model, m_device));
    m_windows = std::move(windows);
    m_tokens = 0;
    for (const auto& window : m_windows) {
        m_reference.push_back(m_embeddings->embed(window, 0));
        m_tokens += static_cast<std::int64_t>(window.size());
    }
    m_original = m_reference;
    m_at = 0;
    for (int block = 0; block < m_model.config.layers; ++block) {
        SA_TRY(const DecoderBlock loaded, DecoderBlock::load(m_model, block, m_device));
        SA_CHECK(advance(m_reference, loaded));
    }
    return {};
}

Result<void> DownstreamMeter::advance(std::vector<at::Tensor>& states, const DecoderBlock& block) const
{
    forEachPiece(m_device, states.size(), [&](std::size_t w) {
        if (m_context.cancel.cancelled())
            return;
        const CoarseProducts coarse(m_device);
        states[w] = block.forward(states[w], m_positions.at(0, states[w].size(0)), nullptr);
    });
    return m_context.cancel.check();
}

std::size_t DownstreamMeter::waveSize() const
{
    constexpr std::uint64_t kLeast = std::uint64_t{256} << 20; // where nobody knows
    const std::uint64_t free = m_device.is_cpu() ? availableMemory().value_or(0) : freeDeviceBytes(m_device);
    const std::uint64_t each =
        4 * static_cast<std::uint64_t>(m_tokens) * static_cast<std::uint64_t>(m_model.config.hidden);
    return std::max<std::size_t>(1, static_cast<std::size_t>(std::max(free / 4, kLeast) / each));
}

Result<void> DownstreamMeter::measure(const std::vector<Variant>& variants, const PlaneSpill& spill,
                                      const std::function<Result<void>(const Variant&, double)>& onDone,
                                      const std::function<void(double)>& onStep)
{
    const auto blockOf = [&](std::size_t variant) { return m_linears[variants[variant].linear].block; };
    if (variants.empty())
        return {};
    if (m_at > blockOf(0)) { // a round before this one has gone further
        for (std::size_t w = 0; w < m_windows.size(); ++w)
            m_original[w] = m_embeddings->embed(m_windows[w], 0);
        m_at = 0;
    }
    const std::size_t size = waveSize();
    for (std::size_t begin = 0; begin < variants.size(); begin += size) {
        const std::size_t end = std::min(variants.size(), begin + size);
        const std::vector<Variant> wave(variants.begin() + static_cast<std::ptrdiff_t>(begin),
                                        variants.begin() + static_cast<std::ptrdiff_t>(end));
        const int next = end < variants.size() ? blockOf(end) : blockOf(end - 1);
        const auto count = static_cast<double>(wave.size());
        SA_TRY(const auto travellers,
               travel(wave, spill, next, [&](double done) { onStep(static_cast<double>(begin) + done * count); }));
        SA_TRY(const auto results, divergences(travellers));
        for (std::size_t i = 0; i < travellers.size(); ++i)
            SA_CHECK(onDone(travellers[i].variant, results[i]));
        onStep(static_cast<double>(end));
    }
    return {};
}

/// From the first changed block to the end. The original goes along as far as the next wave starts.
Result<std::vector<DownstreamMeter::Traveller>> DownstreamMeter::travel(const std::vector<Variant>& wave,
                                                                        const PlaneSpill& spill, int nextBlock,
                                                                        const std::function<void(double)>& onStep)
{
    std::vector<Traveller> travellers;
    const int first = m_at, end = static_cast<int>(m_model.config.layers);
    for (int index = first; index < end; ++index) {
        SA_TRY(const DecoderBlock block, DecoderBlock::load(m_model, index, m_device));
        const std::size_t windows = m_windows.size();
        forEachPiece(m_device, travellers.size() * windows, [&](std::size_t i) {
            if (m_context.cancel.cancelled())
                return;
            const CoarseProducts coarse(m_device);
            at::Tensor& state = travellers[i / windows].states[i % windows];
            state = block.forward(state, m_positions.at(0, state.size(0)), nullptr);
        });
        SA_CHECK(m_context.cancel.check());
        SA_CHECK(depart(block, wave, index, spill, travellers));
        if (index < nextBlock) {
            SA_CHECK(advance(m_original, block));
            m_at = index + 1;
        }
        onStep(static_cast<double>(index + 1 - first) / (end - first));
    }
    return travellers;
}

/// The wave's changed layers of block `index`, each in a block of its own that shares the other weights.
Result<void> DownstreamMeter::depart(const DecoderBlock& block, const std::vector<Variant>& wave, int index,
                                     const PlaneSpill& spill, std::vector<Traveller>& travellers)
{
    std::vector<DecoderBlock> changed;
    const std::size_t begin = travellers.size(), windows = m_windows.size();
    for (const Variant& variant : wave) {
        const LinearInfo& linear = m_linears[variant.linear];
        if (linear.block != index)
            continue;
        travellers.push_back({variant, std::vector<at::Tensor>(windows)});
        changed.push_back(block);
        if (variant.bits == kKeptBits)
            continue;
        SA_TRY(const PackedWeight packed, spill.get(variant.linear, variant.bits));
        at::Tensor dense = at::empty({linear.N, linear.K}, at::kFloat), bias;
        if (packed.unpack(dense.data_ptr<float>()) != kernels::Status::Ok)
            return makeError(Errc::Internal, "a quantized layer cannot be unpacked").at(linear.name);
        if (linear.bias) {
            SA_TRY(bias, readFloatTensor(m_model.store, linear.name + ".bias", m_device));
        }
        changed.back().replaceLinear(linear.role, std::make_shared<DenseLinear>(dense.to(m_device), bias));
    }
    forEachPiece(m_device, changed.size() * windows, [&](std::size_t i) {
        if (m_context.cancel.cancelled())
            return;
        const CoarseProducts coarse(m_device);
        const at::Tensor& state = m_original[i % windows];
        travellers[begin + i / windows].states[i % windows] =
            changed[i / windows].forward(state, m_positions.at(0, state.size(0)), nullptr);
    });
    return m_context.cancel.check();
}

/// Per traveller. A piece compares some rows of one window of all travellers, so that the original's logits are made
/// once.
Result<std::vector<double>> DownstreamMeter::divergences(const std::vector<Traveller>& travellers) const
{
    struct Piece {
        std::size_t window = 0;
        std::int64_t begin = 0, end = 0;
    };
    std::vector<Piece> pieces;
    const std::int64_t rows = logitRows(m_model.config.vocab);
    for (std::size_t w = 0; w < m_windows.size(); ++w)
        for (std::int64_t begin = 0, size = m_reference[w].size(0); begin < size; begin += rows)
            pieces.push_back({w, begin, std::min(size, begin + rows)});
    std::vector<std::vector<double>> sums(pieces.size(), std::vector<double>(travellers.size()));
    forEachPiece(m_device, pieces.size(), [&](std::size_t i) {
        const auto [window, begin, end] = pieces[i];
        const at::Tensor expected = at::log_softmax(m_embeddings->logits(m_reference[window].slice(0, begin, end)), 1);
        const at::Tensor probability = expected.exp();
        for (std::size_t t = 0; t < travellers.size() && !m_context.cancel.cancelled(); ++t) {
            const at::Tensor found =
                at::log_softmax(m_embeddings->logits(travellers[t].states[window].slice(0, begin, end)), 1);
            sums[i][t] = (expected - found).mul_(probability).sum(1).to(at::kDouble).sum().item<double>();
        }
    });
    SA_CHECK(m_context.cancel.check());
    std::vector<double> out(travellers.size());
    for (std::size_t t = 0; t < out.size(); ++t) {
        for (const auto& piece : sums)
            out[t] += piece[t];
        out[t] = std::max(out[t] / static_cast<double>(m_tokens), out[t] == out[t] ? 0.0 : out[t]);
    }
    return out;
}

} // namespace sa
