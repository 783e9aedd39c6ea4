// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/block_pipeline.h"

#include "core/base/parallel.h"
#include "core/model/tensors.h"

#include <ATen/ATen.h>
#include <algorithm>
#include <utility>

namespace sa
{

namespace
{

/// Passes over the calibration windows in one block: for progress.
constexpr int kPasses = 6;

/// How far the target follows what earlier layers lost, given how well the calibration tokens pin that down: an
/// estimate of K x K numbers from few tokens is mostly noise, and following it costs more than it gains
/// (docs/decisions/0007).
double correctionShare(std::int64_t K, std::int64_t tokens)
{
    constexpr double kTokensPerColumn = 8.0;
    return 1.0 / (1.0 + kTokensPerColumn * static_cast<double>(K) / static_cast<double>(tokens));
}

} // namespace

BlockPipeline::BlockPipeline(const ModelFolder& model, const QuantizeSpec& spec, at::Device device,
                             const JobContext& context)
    : m_model(model)
    , m_device(device)
    , m_context(context)
    , m_damping(spec.damping)
    , m_positions(model.config, device)
    , m_meter(context.emit, "quantize", "layers", static_cast<double>(linearLayers(model.config).size()))
{
    m_sweepOptions.bcq = {spec.bits, spec.rounds, spec.apot};
    m_sweepOptions.rowsPerScale = spec.groupRows.value_or(0);
}

Result<void> BlockPipeline::embed(const std::vector<std::vector<std::int32_t>>& windows)
{
    SA_TRY(const Embeddings embeddings, Embeddings::load(m_model, m_device));
    for (const auto& window : windows)
        m_quantized.states.push_back(embeddings.embed(window, 0));
    m_original.states = m_quantized.states;
    return {};
}

Result<std::vector<QuantizedLayer>> BlockPipeline::run(int index,
                                                       const std::function<void(const QuantizedLayer&)>& onLayer)
{
    m_block = index;
    m_pass = 0;
    m_stepName = linearLayersOfBlock(m_model.config, index).front().name;
    report(0);
    SA_TRY(m_original.block, DecoderBlock::load(m_model, index, m_device));
    m_quantized.block = m_original.block; // shares the weights until they are replaced
    const auto layers = linearLayersOfBlock(m_model.config, index);
    std::vector<QuantizedLayer> done;
    const auto quantize = [&](LinearInput input, const WindowStep& read) -> Result<void> {
        std::vector<LinearInfo> group;
        std::copy_if(layers.begin(), layers.end(), std::back_inserter(group),
                     [&](const LinearInfo& layer) { return inputOf(layer.role) == input; });
        m_stepName = group.front().name;
        SA_TRY(const Calibration calibration, calibrate(group.front().name, group.front().K, read));
        const auto before = static_cast<std::ptrdiff_t>(done.size());
        SA_CHECK(sweepGroup(group, calibration, done));
        std::for_each(done.begin() + before, done.end(), onLayer);
        return {};
    };

    SA_CHECK(quantize(LinearInput::Attention,
                      [](Stream& s, std::size_t w) { return s.block->attentionInput(s.states[w]); }));
    for (Stream* stream : {&m_quantized, &m_original})
        stream->mixed.resize(stream->states.size());
    SA_CHECK(quantize(LinearInput::AttentionOutput, [&](Stream& s, std::size_t w) {
        const PositionCodes positions = m_positions.at(0, s.states[w].size(0));
        return s.mixed[w] = s.block->attentionMix(s.block->attentionInput(s.states[w]), positions, nullptr);
    }));
    SA_CHECK(advance(
        [](Stream& s, std::size_t w) { return s.block->attentionOutput(s.states[w], std::exchange(s.mixed[w], {})); }));
    SA_CHECK(quantize(LinearInput::Mlp, [](Stream& s, std::size_t w) { return s.block->mlpInput(s.states[w]); }));
    // The inner activations are several times wider than the states: computed twice rather than kept.
    const auto inner = [](Stream& s, std::size_t w) { return s.block->mlpInner(s.block->mlpInput(s.states[w])); };
    SA_CHECK(quantize(LinearInput::MlpDown, inner));
    SA_CHECK(advance([&](Stream& s, std::size_t w) { return s.block->mlpOutput(s.states[w], inner(s, w)); }));
    for (Stream* stream : {&m_quantized, &m_original})
        stream->block.reset();
    return done;
}

Result<void> BlockPipeline::skip(int index, const ModelFolder& finished)
{
    SA_TRY(m_original.block, DecoderBlock::load(m_model, index, m_device));
    SA_TRY(m_quantized.block, DecoderBlock::load(finished, index, m_device, DecoderBlock::PackedForm::Dense));
    const auto pass = [&](Stream& s, std::size_t w) {
        return s.block->forward(s.states[w], m_positions.at(0, s.states[w].size(0)), nullptr);
    };
    SA_CHECK(advance(pass, false));
    for (Stream* stream : {&m_quantized, &m_original})
        stream->block.reset();
    m_meter.startAt((index + 1) * static_cast<double>(linearLayersOfBlock(m_model.config, index).size()));
    return {};
}

/// The Hessian of one input, `read` giving its activations in either model, ready for the sweep.
Result<BlockPipeline::Calibration> BlockPipeline::calibrate(const std::string& layerName, std::int64_t K,
                                                            const WindowStep& read)
{
    HessianAccumulator hessian(K, m_device);
    CrossAccumulator cross(K, m_device);
    std::int64_t tokens = 0;
    const auto batch =
        static_cast<std::size_t>(std::max<std::int64_t>(1, kTokensPerBatch / m_quantized.states.front().size(0)));
    const std::size_t windows = m_quantized.states.size();
    for (std::size_t begin = 0; begin < windows; begin += batch) {
        SA_CHECK(m_context.cancel.check());
        const std::size_t end = std::min(windows, begin + batch);
        std::vector<at::Tensor> inputs(end - begin), originals(end - begin);
        forEachWindow(begin, end, [&](std::size_t w) {
            inputs[w - begin] = read(m_quantized, w);
            originals[w - begin] = read(m_original, w);
        });
        SA_CHECK(m_context.cancel.check());
        const at::Tensor x = at::cat(inputs);
        tokens += x.size(0);
        hessian.add(x);
        cross.add(at::cat(originals), x);
        report(static_cast<double>(end));
    }
    ++m_pass;
    // Inside a parallel loop, so that the factorization runs single-threaded and gives the same bits on every machine
    // size.
    std::optional<Result<SweepFactor>> factor;
    at::Tensor correction;
    parallelFor(1, [&](std::int64_t) {
        const at::Tensor H = hessian.matrix();
        factor.emplace(factorize(H, m_sweepOptions.columnsPerScale, m_damping));
        if (*factor && !(*factor)->dataFree)
            correction = driftCorrection(cross.matrix(), H, (*factor)->ridge);
    });
    if (!*factor)
        return std::move(*factor).error().in(m_model.path).at(layerName);
    if ((*factor)->dataFree)
        m_context.warn(
            layerName +
            ": the Hessian cannot be factored; the layers of this input are fitted without calibration data");
    else if ((*factor)->damping > m_damping)
        m_context.warn(layerName + ": the Hessian needed more damping (" + std::to_string((*factor)->damping) + ")");
    return Calibration{*std::move(*factor), correction, correctionShare(K, tokens)};
}

/// Layers that read the same input go together: their row groups share the threads. The block's dense weight is
/// replaced by what its planes stand for, so that later inputs see the quantization error.
Result<void> BlockPipeline::sweepGroup(const std::vector<LinearInfo>& layers, const Calibration& calibration,
                                       std::vector<QuantizedLayer>& done)
{
    const Stopwatch watch;
    std::vector<at::Tensor> weights;
    for (const auto& layer : layers) {
        SA_TRY(at::Tensor weight, readFloatTensor(m_model.store, layer.name + ".weight"));
        weights.push_back(std::move(weight));
    }
    if (calibration.correction.defined())
        parallelFor(static_cast<std::int64_t>(layers.size()), [&](std::int64_t i) {
            at::Tensor& weight = weights[static_cast<std::size_t>(i)];
            weight = weight + at::mm(weight, calibration.correction).mul_(calibration.share);
        });
    std::vector<LayerSweep> sweeps;
    std::vector<std::pair<std::size_t, std::int64_t>> pieces;
    for (std::size_t i = 0; i < layers.size(); ++i) {
        sweeps.emplace_back(weights[i], calibration.factor, m_sweepOptions);
        for (std::int64_t piece = 0; piece < sweeps.back().pieces(); ++piece)
            pieces.emplace_back(i, piece);
    }
    parallelFor(static_cast<std::int64_t>(pieces.size()), [&](std::int64_t i) {
        const auto [layer, piece] = pieces[static_cast<std::size_t>(i)];
        sweeps[layer].runPiece(piece, m_context.cancel);
    });
    SA_CHECK(m_context.cancel.check());
    for (std::size_t i = 0; i < layers.size(); ++i) {
        auto outcome = sweeps[i].finish();
        at::Tensor bias;
        if (layers[i].bias) {
            SA_TRY(const at::Tensor values, readFloatTensor(m_model.store, layers[i].name + ".bias"));
            bias = values.to(m_device);
        }
        m_quantized.block->replaceLinear(layers[i].role,
                                         std::make_unique<DenseLinear>(outcome.dense.to(m_device), bias));
        done.push_back({layers[i], std::move(outcome.packed), outcome.error, outcome.relativeError,
                        watch.seconds() / static_cast<double>(layers.size())});
    }
    return {};
}

/// states[w] = step(w) for every window of both models.
Result<void> BlockPipeline::advance(const WindowStep& step, bool reported)
{
    const std::size_t batch = 4 * static_cast<std::size_t>(parallelThreads());
    const std::size_t windows = m_quantized.states.size();
    for (std::size_t begin = 0; begin < windows; begin += batch) {
        SA_CHECK(m_context.cancel.check());
        const std::size_t end = std::min(windows, begin + batch);
        forEachWindow(begin, end, [&](std::size_t w) {
            for (Stream* stream : {&m_quantized, &m_original})
                stream->states[w] = step(*stream, w);
        });
        if (reported)
            report(static_cast<double>(end));
    }
    SA_CHECK(m_context.cancel.check()); // windows may have been left out
    ++m_pass;
    return {};
}

void BlockPipeline::forEachWindow(std::size_t begin, std::size_t end,
                                  const std::function<void(std::size_t)>& body) const
{
    if (!m_device.is_cpu()) {
        for (std::size_t w = begin; w < end && !m_context.cancel.cancelled(); ++w)
            body(w);
        return;
    }
    parallelFor(static_cast<std::int64_t>(end - begin), [&](std::int64_t i) {
        if (!m_context.cancel.cancelled())
            body(begin + static_cast<std::size_t>(i));
    });
}

void BlockPipeline::report(double finishedWindows)
{
    const double layersPerBlock = static_cast<double>(linearLayersOfBlock(m_model.config, m_block).size());
    const double passes = m_pass + finishedWindows / static_cast<double>(m_quantized.states.size());
    m_meter.update((m_block + passes / kPasses) * layersPerBlock, m_stepName);
}

} // namespace sa
