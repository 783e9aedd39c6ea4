// SPDX-License-Identifier: GPL-3.0-or-later
// The output head behind the last block (docs/decisions/0019): calibrated on what the quantized model feeds it.
#include "core/engine/block_pipeline.h"
#include "core/model/tensors.h"
#include "core/quant/output_energy.h"

#include <ATen/ATen.h>

namespace sa
{

Result<QuantizedHead> BlockPipeline::runHead(int bits)
{
    const Stopwatch watch;
    QuantizedHead head;
    head.info = headLayer(m_model.config);
    m_block = head.info.block;
    m_pass = 0;
    m_place = "head";
    m_stepName = head.info.name;
    report(0);
    const at::Device device = m_quantizer.device();
    SA_TRY(const HeadInput input, HeadInput::load(m_model, m_device));
    const std::string tensor =
        m_model.config.tiedHead ? m_model.embeddingTensor() : head.info.name + std::string(".weight");
    LinearGroup group{m_block, LinearInput::Attention, {head.info}, {}, false};
    SA_TRY(at::Tensor weight, readFloatTensor(m_model.store, tensor, device));
    group.weights.push_back(std::move(weight));
    m_clock.lap(m_place, "read");
    const auto read = [&](Stream& s, std::size_t w) { return input(stateOf(s, w)); };
    if (bits == kByteHeadBits)
        SA_CHECK(headToBytes(group, read, head));
    else
        SA_CHECK(headToPlanes(std::move(group), bits, read, head));
    head.seconds = watch.seconds();
    m_clock.lap(m_place, "pack");
    return head;
}

/// Rounding to the nearest of 255 levels loses so little that nothing is gained by compensating it: the data only say
/// how much it was.
Result<void> BlockPipeline::headToBytes(const LinearGroup& group, const WindowStep& read, QuantizedHead& head)
{
    const at::Tensor weight = group.weights.front().cpu().contiguous();
    const auto N = static_cast<int>(weight.size(0)), K = static_cast<int>(weight.size(1));
    std::optional<CrossAccumulator> none;
    HessianAccumulator moments(K, m_device);
    SA_CHECK(accumulate(moments, none, K, read, {}));
    head.bytes = ByteWeight::nearest(weight.data_ptr<float>(), N, K);
    at::Tensor unpacked = at::empty_like(weight);
    head.bytes->unpack(unpacked.data_ptr<float>());
    const OutputEnergies energies = outputEnergies(weight, unpacked, moments.matrix().cpu());
    head.error = energies.lost / 2;
    head.relativeError = energies.whole > 0 ? energies.lost / energies.whole : 0;
    m_clock.lap(m_place, "pack");
    return m_context.cancel.check();
}

Result<void> BlockPipeline::headToPlanes(LinearGroup group, int bits, const WindowStep& read, QuantizedHead& head)
{
    SA_TRY(const GroupBasis basis, calibrate(group, read, {}));
    const GroupQuantizer::Target target = m_quantizer.target(group, basis);
    m_clock.lap(m_place, "transform");
    auto swept = m_quantizer.sweep(group, basis, target, {{0, bits}});
    if (!swept)
        return std::move(swept).error().in(m_model.path);
    SweptLayer& outcome = swept->front();
    head.planes = std::move(outcome.packed);
    head.error = outcome.error;
    head.relativeError = outcome.relativeError;
    m_clock.lap(m_place, "sweep");
    return {};
}

} // namespace sa
