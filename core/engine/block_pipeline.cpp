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

/// Of LinearInput, for the clock.
constexpr const char* kPlaces[] = {"attention", "attention_output", "mlp", "mlp_down"};
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

BlockPipeline::BlockPipeline(const ModelFolder& model, const QuantizeSpec& spec, Widths widths, at::Device device,
                             const JobContext& context)
    : m_model(model)
    , m_device(device)
    , m_context(context)
    , m_spec(spec)
    , m_widths(std::move(widths))
    , m_quantizer(spec, device, context.cancel)
    , m_home(device)
    , m_clock(device)
    , m_positions(model.config, device)
    , m_meter(context.emit, "quantize", "layers",
              static_cast<double>(linearLayers(model.config).size() + (spec.headBits == kKeptHeadBits ? 0 : 1)))
{
}

Result<void> BlockPipeline::embed(const std::vector<std::vector<std::int32_t>>& windows)
{
    const ModelConfig& c = m_model.config;
    const std::uint64_t tokens = windows.size() * windows.front().size();
    const std::uint64_t needed = tokens * 4 * static_cast<std::uint64_t>(2 * c.hidden + c.heads * c.headDim);
    if (m_device.is_cuda() && needed > freeDeviceBytes(m_device) / 2)
        m_home = at::kCPU;
    SA_TRY(const Embeddings embeddings, Embeddings::load(m_model, m_device));
    m_quantized.states = places(windows.size(), static_cast<std::int64_t>(windows.front().size()), c.hidden);
    for (std::size_t w = 0; w < windows.size(); ++w)
        m_quantized.states[w] = keep(embeddings.embed(windows[w], 0), m_quantized.states[w]);
    if (m_spec.driftCorrection) {
        m_original.states = places(windows.size(), static_cast<std::int64_t>(windows.front().size()), c.hidden);
        for (std::size_t w = 0; w < windows.size(); ++w)
            m_original.states[w] = keep(m_quantized.states[w], m_original.states[w]);
    }
    m_clock.lap("model", "embed");
    return {};
}

/// Where the windows' activations wait on behalf of a device: side by side in its memory or in host memory that it can
/// copy from by itself. Windows that came and went one by one would leave holes which no matrix fits. On the CPU they
/// stay where they are made.
std::vector<at::Tensor> BlockPipeline::places(std::size_t windows, std::int64_t tokens, std::int64_t width) const
{
    if (m_device.is_cpu())
        return std::vector<at::Tensor>(windows);
    const auto options = at::TensorOptions().dtype(at::kFloat).device(m_home).pinned_memory(m_home.is_cpu());
    return at::empty({static_cast<std::int64_t>(windows), tokens, width}, options).unbind(0);
}

at::Tensor BlockPipeline::keep(const at::Tensor& state, const at::Tensor& place) const
{
    return place.defined() && !m_device.is_cpu() ? place.copy_(state) : state;
}

at::Tensor BlockPipeline::stateOf(const Stream& stream, std::size_t window) const
{
    return stream.states[window].to(m_device);
}

Result<std::vector<QuantizedLayer>> BlockPipeline::run(int index,
                                                       const std::function<void(const QuantizedLayer&)>& onLayer)
{
    m_block = index;
    m_pass = 0;
    m_stepName = linearLayersOfBlock(m_model.config, index).front().name;
    report(0);
    SA_TRY(m_original.block, DecoderBlock::load(m_model, index, m_device));
    m_clock.lap("model", "load");
    m_quantized.block = m_original.block; // shares the weights until they are replaced
    const auto mix = [&](Stream& s, std::size_t w) {
        const PositionCodes positions = m_positions.at(0, s.states[w].size(0));
        return s.block->attentionMix(s.block->attentionInput(stateOf(s, w)), positions, nullptr);
    };
    const auto inner = [&](Stream& s, std::size_t w) { return s.block->mlpInner(s.block->mlpInput(stateOf(s, w))); };
    struct Part {
        LinearInput input;
        WindowStep read;
        PassOn passOn;
    };
    const Part parts[] = {
        {LinearInput::Attention, [&](Stream& s, std::size_t w) { return s.block->attentionInput(stateOf(s, w)); }, {}},
        {LinearInput::AttentionOutput, mix,
         [&](Stream& s, std::size_t w, const at::Tensor& x) { return s.block->attentionOutput(stateOf(s, w), x); }},
        {LinearInput::Mlp, [&](Stream& s, std::size_t w) { return s.block->mlpInput(stateOf(s, w)); }, {}},
        {LinearInput::MlpDown, inner,
         [&](Stream& s, std::size_t w, const at::Tensor& x) { return s.block->mlpOutput(stateOf(s, w), x); }}};
    std::vector<QuantizedLayer> done;
    for (const Part& part : parts) {
        const auto before = static_cast<std::ptrdiff_t>(done.size());
        SA_CHECK(quantize(part.input, part.read, part.passOn, done));
        std::for_each(done.begin() + before, done.end(), onLayer);
    }
    for (Stream* stream : {&m_quantized, &m_original})
        stream->block.reset();
    return done;
}

Result<void> BlockPipeline::skip(int index, const ModelFolder& finished)
{
    if (m_spec.driftCorrection) {
        SA_TRY(m_original.block, DecoderBlock::load(m_model, index, m_device));
    }
    SA_TRY(m_quantized.block, DecoderBlock::load(finished, index, m_device, PackedForm::Dense));
    if (!m_quantizer.device().is_cpu())
        SA_CHECK(unpackOnDevice(index, finished));
    const std::size_t batch = 4 * static_cast<std::size_t>(parallelThreads());
    const std::size_t windows = m_quantized.states.size();
    for (std::size_t begin = 0; begin < windows; begin += batch) {
        forEachWindow(begin, std::min(windows, begin + batch), [&](std::size_t w) {
            const CoarseProducts coarse(m_device);
            for (Stream* stream : {&m_quantized, &m_original}) {
                if (!stream->block || m_context.cancel.cancelled())
                    continue;
                const PositionCodes positions = m_positions.at(0, stream->states[w].size(0));
                stream->states[w] =
                    keep(stream->block->forward(stateOf(*stream, w), positions, nullptr), stream->states[w]);
            }
        });
        SA_CHECK(m_context.cancel.check());
    }
    for (Stream* stream : {&m_quantized, &m_original})
        stream->block.reset();
    m_meter.startAt((index + 1) * static_cast<double>(linearLayersOfBlock(m_model.config, index).size()));
    m_clock.lap("model", "resume");
    return {};
}

/// The device turns levels back by products of its own, which round in another way than the CPU's additions.
Result<void> BlockPipeline::unpackOnDevice(int index, const ModelFolder& finished)
{
    for (const auto& layer : linearLayersOfBlock(m_model.config, index)) {
        const PackedLayerInfo* info = finished.packedLayer(layer.name);
        if (!info)
            continue;
        SA_TRY(const PackedWeight packed, readPacked(finished.store, *info));
        const at::Tensor levels = at::empty({layer.N, layer.K}, at::kFloat);
        if (kernels::unpackDense(packed.view(), levels.data_ptr<float>()) != kernels::Status::Ok)
            return makeError(Errc::Internal, "the planes cannot be unpacked").in(finished.path).at(layer.name);
        at::Tensor bias;
        if (layer.bias) {
            SA_TRY(bias, readFloatTensor(finished.store, layer.name + ".bias", m_device));
        }
        m_quantized.block->replaceLinear(
            layer.role, std::make_unique<DenseLinear>(inOriginalBasis(levels.to(m_device), packed), bias));
    }
    return {};
}

Result<void> BlockPipeline::quantize(LinearInput input, const WindowStep& read, const PassOn& passOn,
                                     std::vector<QuantizedLayer>& done)
{
    SA_TRY(LinearGroup group, m_quantizer.read(m_model, m_block, input,
                                               [&](const LinearInfo& layer) { return m_widths.contains(layer.name); }));
    m_place = kPlaces[static_cast<std::size_t>(input)];
    m_clock.lap(m_place, "read");
    if (group.layers.empty()) {
        if (passOn && m_spec.driftCorrection)
            SA_CHECK(advance(m_original, read, passOn));
        else
            ++m_pass;
        return passOn ? advance(m_quantized, read, passOn) : Result<void>();
    }
    m_stepName = group.layers.front().name;
    SA_TRY(const GroupBasis basis, calibrate(group, read, passOn));
    SA_CHECK(sweepGroup(std::move(group), basis, done));
    return passOn ? advance(m_quantized, read, passOn) : Result<void>();
}

Result<std::int64_t> BlockPipeline::accumulate(HessianAccumulator& hessian, std::optional<CrossAccumulator>& cross,
                                               std::int64_t K, const WindowStep& read, const PassOn& passOn)
{
    std::int64_t tokens = 0;
    const auto batch =
        static_cast<std::size_t>(std::max<std::int64_t>(1, kTokensPerBatch / m_quantized.states.front().size(0)));
    const std::size_t windows = m_quantized.states.size();
    const bool kept = passOn && worthKeeping(K);
    if (kept)
        m_quantized.kept = places(windows, m_quantized.states.front().size(0), K);
    for (std::size_t begin = 0; begin < windows; begin += batch) {
        SA_CHECK(m_context.cancel.check());
        const std::size_t end = std::min(windows, begin + batch);
        std::vector<at::Tensor> inputs(end - begin), originals(end - begin);
        forEachWindow(begin, end, [&](std::size_t w) {
            if (m_context.cancel.cancelled())
                return;
            const CoarseProducts coarse(m_device);
            inputs[w - begin] = read(m_quantized, w);
            if (kept)
                m_quantized.kept[w] = keep(inputs[w - begin], m_quantized.kept[w]);
            if (!cross)
                return;
            originals[w - begin] = read(m_original, w);
            if (passOn) // its weights stay as they are: it need not wait for the sweep
                m_original.states[w] = keep(passOn(m_original, w, originals[w - begin]), m_original.states[w]);
        });
        SA_CHECK(m_context.cancel.check()); // windows may have been left out
        m_clock.lap(m_place, "forward");
        const at::Tensor x = at::cat(std::exchange(inputs, {}));
        tokens += x.size(0);
        hessian.add(x);
        if (cross)
            cross->add(at::cat(std::exchange(originals, {})), x);
        m_clock.lap(m_place, "hessian");
        report(static_cast<double>(end));
    }
    ++m_pass;
    return tokens;
}

/// The Hessian of one input, `read` giving its activations in either model, ready for the sweep.
Result<GroupBasis> BlockPipeline::calibrate(const LinearGroup& group, const WindowStep& read, const PassOn& passOn)
{
    const std::string& layerName = group.layers.front().name;
    const std::int64_t K = group.K();
    std::optional<HessianAccumulator> hessian(std::in_place, K, m_device);
    std::optional<CrossAccumulator> cross;
    if (m_spec.driftCorrection)
        cross.emplace(K, m_device);
    SA_TRY(const std::int64_t tokens, accumulate(*hessian, cross, K, read, passOn));
    auto basis = m_quantizer.basis(group, hessian, cross);
    m_clock.lap(m_place, "factorize");
    if (!basis)
        return std::move(basis).error().in(m_model.path);
    GroupBasis out = *std::move(basis);
    out.share = correctionShare(K, tokens);
    if (out.factor.dataFree)
        m_context.warn(
            layerName +
            ": the Hessian cannot be factored; the layers of this input are fitted without calibration data");
    else if (out.factor.damping > m_spec.damping)
        m_context.warn(layerName + ": the Hessian needed more damping (" + std::to_string(out.factor.damping) + ")");
    return out;
}

/// Layers that read the same input go together: their row groups share the threads. The block's dense weight is
/// replaced by what its planes stand for, so that later inputs see the quantization error.
Result<void> BlockPipeline::sweepGroup(LinearGroup group, const GroupBasis& basis, std::vector<QuantizedLayer>& done)
{
    const Stopwatch watch;
    const std::size_t count = group.layers.size();
    std::vector<GroupQuantizer::Task> tasks;
    for (std::size_t i = 0; i < count; ++i)
        tasks.push_back({i, m_widths.at(group.layers[i].name)});
    const GroupQuantizer::Target target = m_quantizer.target(group, basis);
    m_clock.lap(m_place, "transform");
    auto swept = m_quantizer.sweep(group, basis, target, tasks, [&](SweepPhase phase) {
        constexpr const char* kStages[] = {"sweep", "refine", "pack"};
        m_clock.lap(m_place, kStages[static_cast<std::size_t>(phase)]);
    });
    if (!swept)
        return std::move(swept).error().in(m_model.path);
    for (std::size_t i = 0; i < count; ++i) {
        const LinearInfo& layer = group.layers[i];
        SweptLayer& outcome = (*swept)[i];
        at::Tensor bias;
        if (layer.bias) {
            SA_TRY(bias, readFloatTensor(m_model.store, layer.name + ".bias", m_device));
        }
        m_quantized.block->replaceLinear(layer.role, std::make_unique<DenseLinear>(outcome.dense.to(m_device), bias));
        done.push_back({layer, std::move(outcome.packed), outcome.error, outcome.relativeError,
                        watch.seconds() / static_cast<double>(count)});
    }
    m_clock.lap(m_place, "pack");
    return {};
}

/// The input of a linear is needed twice: for its Hessian, and behind its planes. Inner activations of large models are
/// several times wider than the states, so they are computed again.
bool BlockPipeline::worthKeeping(std::int64_t width) const
{
    constexpr std::int64_t kSmallBytes = std::int64_t{256} << 20;
    std::int64_t tokens = 0;
    for (const auto& state : m_quantized.states)
        tokens += state.size(0);
    return width <= 2 * m_model.config.hidden || tokens * width * 4 <= kSmallBytes;
}

/// Moves a model's states behind the layers of one input: the quantized model's once they were replaced.
Result<void> BlockPipeline::advance(Stream& stream, const WindowStep& read, const PassOn& passOn)
{
    const std::size_t batch = 4 * static_cast<std::size_t>(parallelThreads());
    const std::size_t windows = stream.states.size();
    for (std::size_t begin = 0; begin < windows; begin += batch) {
        SA_CHECK(m_context.cancel.check());
        const std::size_t end = std::min(windows, begin + batch);
        forEachWindow(begin, end, [&](std::size_t w) {
            if (m_context.cancel.cancelled())
                return;
            const CoarseProducts coarse(m_device);
            const at::Tensor input =
                stream.kept.empty() ? read(stream, w) : std::exchange(stream.kept[w], {}).to(m_device);
            stream.states[w] = keep(passOn(stream, w, input), stream.states[w]);
        });
        report(static_cast<double>(end));
    }
    SA_CHECK(m_context.cancel.check());
    stream.kept.clear();
    m_clock.lap(m_place, "forward");
    ++m_pass;
    return {};
}

void BlockPipeline::forEachWindow(std::size_t begin, std::size_t end,
                                  const std::function<void(std::size_t)>& body) const
{
    forEachPiece(m_device, end - begin, [&](std::size_t i) { body(begin + i); });
}

void BlockPipeline::report(double finishedWindows)
{
    const bool inHead = m_block == m_model.config.layers;
    const double layersPerBlock = static_cast<double>(linearLayersOfBlock(m_model.config, 0).size());
    const double passes = m_pass + finishedWindows / static_cast<double>(m_quantized.states.size());
    // The head is one more layer, with one pass.
    m_meter.update(inHead ? m_block * layersPerBlock + passes : (m_block + passes / kPasses) * layersPerBlock,
                   m_stepName);
}

} // namespace sa
