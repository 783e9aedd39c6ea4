// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/error_pass.h"

#include "core/engine/block_pipeline.h"
#include "core/model/tensors.h"

#include <ATen/ATen.h>
#include <cmath>
#include <utility>

namespace sa
{

namespace
{

/// Share of a block's time that the windows take; the sweeps take the rest.
constexpr double kWalkShare = 0.3;

/// W in sweep order, divided column by column by diag(R).
double criterionOf(const at::Tensor& weight, const SweepFactor& factor)
{
    const at::Tensor scaled = weight.index_select(1, factor.permutation).div(factor.upper.diagonal());
    const at::Tensor entries = scaled.to(at::kDouble);
    const double deviation = entries.std(/*unbiased=*/true).item<double>();
    return entries.square().sum().sqrt().item<double>() * deviation * deviation;
}

std::vector<double> asVector(const at::Tensor& tensor)
{
    const at::Tensor values = tensor.to(at::kDouble).cpu().contiguous();
    return {values.data_ptr<double>(), values.data_ptr<double>() + values.numel()};
}

} // namespace

ErrorPass::ErrorPass(const ModelFolder& model, const QuantizerOptions& options, at::Device device,
                     const JobContext& context)
    : m_model(model)
    , m_device(device)
    , m_context(context)
    , m_quantizer(options, device, context.cancel)
    , m_positions(model.config, device)
{
}

Result<void> ErrorPass::embed(const std::vector<std::vector<std::int32_t>>& windows)
{
    SA_TRY(const Embeddings embeddings, Embeddings::load(m_model, m_device));
    for (const auto& window : windows) {
        m_states.push_back(embeddings.embed(window, 0));
        m_tokens += static_cast<std::int64_t>(window.size());
    }
    return {};
}

Result<std::vector<MeasuredLayer>> ErrorPass::run(int index, const Widths& widths,
                                                  const std::function<void(double)>& onStep)
{
    const auto isWanted = [&](const LinearInfo& layer) { return widths.contains(layer.name); };
    SA_TRY(const DecoderBlock block, DecoderBlock::load(m_model, index, m_device));
    Hessians hessians;
    for (const auto& layer : linearLayersOfBlock(m_model.config, index)) {
        auto& hessian = hessians[static_cast<std::size_t>(inputOf(layer.role))];
        if (isWanted(layer) && !hessian)
            hessian.emplace(layer.K, m_device);
    }
    SA_CHECK(walk(block, hessians, onStep));
    std::vector<MeasuredLayer> done;
    for (int input = 0; input < kLinearInputs; ++input) {
        auto& hessian = hessians[static_cast<std::size_t>(input)];
        if (!hessian)
            continue;
        // All layers of the input, wanted or not: they share the basis.
        SA_TRY(LinearGroup group, m_quantizer.read(m_model, index, static_cast<LinearInput>(input)));
        SA_CHECK(sweepGroup(std::move(group), hessian, widths, done));
        onStep(kWalkShare + (1.0 - kWalkShare) * (input + 1) / kLinearInputs);
    }
    return done;
}

/// Moves the windows past the block and sums what its linears read.
Result<void> ErrorPass::walk(const DecoderBlock& block, Hessians& hessians, const std::function<void(double)>& onStep)
{
    const auto batch =
        static_cast<std::size_t>(std::max<std::int64_t>(1, BlockPipeline::kTokensPerBatch / m_states.front().size(0)));
    for (std::size_t begin = 0; begin < m_states.size(); begin += batch) {
        const std::size_t end = std::min(m_states.size(), begin + batch);
        std::array<std::vector<at::Tensor>, kLinearInputs> inputs;
        for (auto& list : inputs)
            list.resize(end - begin);
        forEachPiece(m_device, end - begin, [&](std::size_t i) {
            if (m_context.cancel.cancelled())
                return;
            const CoarseProducts coarse(m_device);
            at::Tensor& state = m_states[begin + i];
            const auto keep = [&](LinearInput input, const at::Tensor& x) {
                if (hessians[static_cast<std::size_t>(input)])
                    inputs[static_cast<std::size_t>(input)][i] = x;
                return x;
            };
            const at::Tensor x = keep(LinearInput::Attention, block.attentionInput(state));
            const at::Tensor mixed =
                keep(LinearInput::AttentionOutput, block.attentionMix(x, m_positions.at(0, state.size(0)), nullptr));
            const at::Tensor middle = block.attentionOutput(state, mixed);
            const at::Tensor y = keep(LinearInput::Mlp, block.mlpInput(middle));
            const at::Tensor inner = keep(LinearInput::MlpDown, block.mlpInner(y));
            state = block.mlpOutput(middle, inner);
        });
        SA_CHECK(m_context.cancel.check());
        for (std::size_t input = 0; input < hessians.size(); ++input)
            if (hessians[input])
                hessians[input]->add(at::cat(std::exchange(inputs[input], {})));
        onStep(kWalkShare * static_cast<double>(end) / static_cast<double>(m_states.size()));
    }
    return {};
}

Result<void> ErrorPass::sweepGroup(LinearGroup group, std::optional<HessianAccumulator>& hessian, const Widths& widths,
                                   std::vector<MeasuredLayer>& done)
{
    std::vector<MeasuredLayer> layers(group.layers.size());
    std::vector<GroupQuantizer::Task> tasks;
    for (std::size_t i = 0; i < layers.size(); ++i) {
        layers[i].name = group.layers[i].name;
        layers[i].columnNorm = asVector(group.weights[i].square().sum(0).sqrt());
        if (const auto wanted = widths.find(layers[i].name); wanted != widths.end())
            for (const int bits : wanted->second)
                tasks.push_back({i, bits});
    }
    const std::vector<at::Tensor> originals = group.weights;
    std::optional<CrossAccumulator> none;
    auto basis = m_quantizer.basis(group, hessian, none);
    if (!basis && basis.error().code == Errc::Cancelled)
        return std::move(basis).error();
    if (basis) {
        const GroupQuantizer::Target target = m_quantizer.target(group, *basis);
        SA_TRY(auto swept, m_quantizer.sweep(group, *basis, target, tasks));
        forEachPiece(m_quantizer.device(), layers.size(), [&](std::size_t i) {
            layers[i].criterion = criterionOf(target.weights[i], basis->factor);
            for (const double energy : basis->inputEnergy)
                layers[i].inputRms.push_back(std::sqrt(energy / static_cast<double>(m_tokens)));
        });
        for (std::size_t i = 0; i < tasks.size(); ++i) {
            const at::Tensor& weight = originals[tasks[i].layer];
            const double energy = weight.square().sum().item<double>();
            const double lost = (weight - swept[i].dense).square().sum().item<double>();
            layers[tasks[i].layer].widths.push_back({tasks[i].planes, swept[i].relativeError,
                                                     energy > 0 ? lost / energy : 0.0, std::move(swept[i].packed)});
        }
    }
    for (auto& layer : layers) {
        if (!widths.contains(layer.name))
            continue;
        if (!basis)
            layer.problem = basis.error().message;
        done.push_back(std::move(layer));
    }
    return {};
}

} // namespace sa
