// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/method_pipeline.h"

#include "core/base/parallel.h"
#include "core/engine/block_pipeline.h"
#include "core/model/tensors.h"
#include "core/quant/hessian.h"
#include "core/quant/output_energy.h"

#include <ATen/ATen.h>
#include <algorithm>

namespace sa
{

namespace
{

at::Tensor asTensor(std::vector<float>& values, std::int64_t N, std::int64_t K)
{
    return at::from_blob(values.data(), {N, K}, at::kFloat);
}

/// What a reader of the folder gets back.
Result<void> roundToDtype(std::vector<float>& values, Dtype dtype)
{
    if (dtype != Dtype::F16 && dtype != Dtype::BF16)
        return {};
    const auto count = static_cast<std::int64_t>(values.size());
    const at::Tensor all = at::from_blob(values.data(), {count}, at::kFloat);
    all.copy_(all.to(dtype == Dtype::F16 ? at::kHalf : at::kBFloat16).to(at::kFloat));
    if (!at::isfinite(all).all().item<bool>())
        return makeError(Errc::BadInput, "the quantized weights do not fit the original's data type")
            .wanted("values of at most 65504")
            .tryThis("Convert the model to float32 or bfloat16 first");
    return {};
}

} // namespace

MethodPipeline::MethodPipeline(const ModelFolder& model, const MethodInfo& info, const MethodLibrary& library,
                               std::string options, at::Device device, const JobContext& context)
    : m_model(model)
    , m_info(info)
    , m_library(library)
    , m_options(std::move(options))
    , m_device(device)
    , m_context(context)
    , m_positions(model.config, device)
    , m_meter(context.emit, "quantize", "layers", static_cast<double>(linearLayers(model.config).size()))
{
}

Result<void> MethodPipeline::embed(const std::vector<std::vector<std::int32_t>>& windows)
{
    SA_TRY(const Embeddings embeddings, Embeddings::load(m_model, m_device));
    for (const auto& window : windows)
        m_states.push_back(embeddings.embed(window, 0));
    return {};
}

Result<std::vector<MethodLayer>> MethodPipeline::run(int index, const std::function<void(const MethodLayer&)>& onLayer)
{
    std::vector<MethodLayer> done;
    const auto quantize = [&](LinearInput input, const WindowStep& read) -> Result<void> {
        const auto group = linearLayersReading(m_model.config, index, input);
        m_meter.update(static_cast<double>(m_finished), group.front().name);
        at::Tensor hessian;
        if (!m_states.empty()) {
            SA_TRY(hessian, hessianOf(group.front().K, read));
        }
        const std::size_t before = done.size();
        SA_CHECK(quantizeGroup(group, hessian, done));
        for (std::size_t i = before; i < done.size(); ++i)
            onLayer(done[i]);
        m_finished += done.size() - before;
        m_meter.update(static_cast<double>(m_finished));
        return {};
    };
    if (m_states.empty()) {
        for (const LinearInput input :
             {LinearInput::Attention, LinearInput::AttentionOutput, LinearInput::Mlp, LinearInput::MlpDown})
            SA_CHECK(quantize(input, {}));
        return done;
    }
    SA_CHECK(walkBlock(index, quantize));
    return done;
}

Result<void> MethodPipeline::skip(int index, const ModelFolder& finished)
{
    if (!m_states.empty()) {
        SA_TRY(m_block, DecoderBlock::load(finished, index, m_device, PackedForm::Dense));
        SA_CHECK(advance(m_states, [&](std::size_t w) {
            return m_block->forward(m_states[w], m_positions.at(0, m_states[w].size(0)), nullptr);
        }));
        m_block.reset();
    }
    m_finished += linearLayersOfBlock(m_model.config, index).size();
    m_meter.startAt(static_cast<double>(m_finished));
    return {};
}

/// The windows go through each part of the block right after its layers were replaced.
Result<void> MethodPipeline::walkBlock(int index,
                                       const std::function<Result<void>(LinearInput, const WindowStep&)>& quantize)
{
    SA_TRY(m_block, DecoderBlock::load(m_model, index, m_device));
    std::vector<at::Tensor> mixed(m_states.size());
    SA_CHECK(quantize(LinearInput::Attention, [&](std::size_t w) { return m_block->attentionInput(m_states[w]); }));
    SA_CHECK(quantize(LinearInput::AttentionOutput, [&](std::size_t w) {
        const PositionCodes positions = m_positions.at(0, m_states[w].size(0));
        return mixed[w] = m_block->attentionMix(m_block->attentionInput(m_states[w]), positions, nullptr);
    }));
    SA_CHECK(advance(
        m_states, [&](std::size_t w) { return m_block->attentionOutput(m_states[w], std::exchange(mixed[w], {})); }));
    SA_CHECK(quantize(LinearInput::Mlp, [&](std::size_t w) { return m_block->mlpInput(m_states[w]); }));
    const auto inner = [&](std::size_t w) { return m_block->mlpInner(m_block->mlpInput(m_states[w])); };
    SA_CHECK(quantize(LinearInput::MlpDown, inner));
    SA_CHECK(advance(m_states, [&](std::size_t w) { return m_block->mlpOutput(m_states[w], inner(w)); }));
    m_block.reset();
    return {};
}

/// f64 [K, K] on the CPU.
Result<at::Tensor> MethodPipeline::hessianOf(std::int64_t K, const WindowStep& read)
{
    HessianAccumulator hessian(K, m_device);
    const auto batch =
        static_cast<std::size_t>(std::max<std::int64_t>(1, BlockPipeline::kTokensPerBatch / m_states.front().size(0)));
    for (std::size_t begin = 0; begin < m_states.size(); begin += batch) {
        std::vector<at::Tensor> inputs(std::min(batch, m_states.size() - begin));
        SA_CHECK(advance(inputs, [&](std::size_t i) { return read(begin + i); }));
        hessian.add(at::cat(inputs));
    }
    at::Tensor H = hessian.matrix().contiguous();
    if (!at::isfinite(H).all().item<bool>())
        return makeError(Errc::BadInput, "the activations of the calibration text are not finite")
            .in(m_model.path)
            .tryThis("The weights are damaged, or the model overflows in float32");
    return H;
}

Result<void> MethodPipeline::quantizeGroup(const std::vector<LinearInfo>& layers, const at::Tensor& hessian,
                                           std::vector<MethodLayer>& done)
{
    const Stopwatch watch;
    MethodHost host(m_context.cancel);
    const auto passNotesOn = [&] {
        for (const auto& note : host.takeNotes())
            m_context.warn(note);
    };
    std::vector<at::Tensor> weights;
    for (const auto& layer : layers) {
        SA_TRY(at::Tensor weight, readFloatTensor(m_model.store, layer.name + ".weight"));
        weights.push_back(weight.contiguous());
    }
    auto instance = m_library.create(
        {layers.front().name, layers.front().K, hessian.defined() ? hessian.data_ptr<double>() : nullptr, m_options},
        host);
    passNotesOn();
    SA_CHECK(instance);
    const auto count = static_cast<std::int64_t>(layers.size());
    std::vector<std::optional<Result<MethodOutput>>> outputs(layers.size());
    const auto quantizeOne = [&](std::int64_t index) {
        const auto i = static_cast<std::size_t>(index);
        outputs[i].emplace(
            instance->quantize({layers[i].name, layers[i].N, layers[i].K, weights[i].data_ptr<float>()}));
    };
    if (m_info.ownThreads)
        for (std::int64_t i = 0; i < count; ++i)
            quantizeOne(i);
    else
        parallelFor(count, quantizeOne);
    passNotesOn();
    for (std::size_t i = 0; i < layers.size(); ++i) {
        SA_TRY(MethodOutput output, *std::move(outputs[i]));
        if (!output.planes) {
            SA_TRY(const TensorInfo* stored, m_model.store.find(layers[i].name + ".weight"));
            if (auto rounded = roundToDtype(output.dense, stored->dtype); !rounded)
                return std::move(rounded).error().in(m_model.path).at(layers[i].name);
        }
        const auto [error, energy] =
            outputEnergies(weights[i], asTensor(output.dense, layers[i].N, layers[i].K), hessian);
        const double relative = energy > 0.0 ? error / energy : 0.0;
        done.push_back(
            {layers[i], std::move(output), {error / 2, relative, watch.seconds() / static_cast<double>(count)}});
        if (m_block)
            SA_CHECK(replaceInBlock(done.back()));
    }
    return m_context.cancel.check();
}

Result<void> MethodPipeline::replaceInBlock(const MethodLayer& layer)
{
    at::Tensor bias;
    if (layer.info.bias) {
        SA_TRY(bias, readFloatTensor(m_model.store, layer.info.name + ".bias", m_device));
    }
    at::Tensor weight = at::empty({layer.info.N, layer.info.K}, at::kFloat);
    std::copy(layer.output.dense.begin(), layer.output.dense.end(), weight.data_ptr<float>());
    m_block->replaceLinear(layer.info.role, std::make_shared<DenseLinear>(weight.to(m_device), bias));
    return {};
}

/// states[i] = step(i)
Result<void> MethodPipeline::advance(std::vector<at::Tensor>& states, const WindowStep& step) const
{
    const auto batch = 4 * static_cast<std::size_t>(parallelThreads());
    for (std::size_t begin = 0; begin < states.size(); begin += batch) {
        SA_CHECK(m_context.cancel.check());
        const std::size_t end = std::min(states.size(), begin + batch);
        const auto one = [&](std::int64_t i) {
            const auto w = begin + static_cast<std::size_t>(i);
            states[w] = step(w);
        };
        if (m_device.is_cpu())
            parallelFor(static_cast<std::int64_t>(end - begin), one);
        else
            for (std::int64_t i = 0; i < static_cast<std::int64_t>(end - begin); ++i)
                one(i);
    }
    return {};
}

} // namespace sa
