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

/// Without rotation a column gets a factor only when it stands out by more than 2^1.5: within a block of columns that
/// share their scales a factor of two more or less is no gain (docs/results.md).
constexpr double kOutlierThreshold = 1.5;

/// How far the target follows what earlier layers lost, given how well the calibration tokens pin that down: an
/// estimate of K x K numbers from few tokens is mostly noise, and following it costs more than it gains
/// (docs/decisions/0007).
double correctionShare(std::int64_t K, std::int64_t tokens)
{
    constexpr double kTokensPerColumn = 8.0;
    return 1.0 / (1.0 + kTokensPerColumn * static_cast<double>(K) / static_cast<double>(tokens));
}

/// What `packed` stands for, given its levels, f32 [N, K], on any device.
at::Tensor inOriginalBasis(at::Tensor levels, const PackedWeight& packed)
{
    if (packed.outputRotation)
        levels = rotateRowsBack(levels.t().contiguous(), *packed.outputRotation).t().contiguous();
    return InputTransform{packed.exponents, packed.inputRotation}.ofQuantized(levels);
}

} // namespace

BlockPipeline::BlockPipeline(const ModelFolder& model, const QuantizeSpec& spec, at::Device device,
                             const JobContext& context)
    : m_model(model)
    , m_device(device)
    , m_context(context)
    , m_spec(spec)
    , m_sweepDevice(deviceSweepBuilt() ? device : at::Device(at::kCPU))
    , m_home(device)
    , m_clock(device)
    , m_positions(model.config, device)
    , m_meter(context.emit, "quantize", "layers", static_cast<double>(linearLayers(model.config).size()))
{
    m_sweepOptions.bcq = {spec.bits, spec.rounds, spec.apot};
    m_sweepOptions.columnsPerScale = spec.columnsPerScale();
    m_sweepOptions.weightedFit = spec.weightedFit;
    m_sweepOptions.refinements = spec.refinementPasses();
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
    return place.defined() ? place.copy_(state) : state;
}

at::Tensor BlockPipeline::stateOf(const Stream& stream, std::size_t window) const
{
    return stream.states[window].to(m_device);
}

Result<std::vector<QuantizedLayer>> BlockPipeline::run(int index,
                                                       const std::function<void(const QuantizedLayer&)>& onLayer)
{
    m_block = index;
    m_group = m_pass = 0;
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
        ++m_group;
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
    SA_TRY(m_quantized.block, DecoderBlock::load(finished, index, m_device, DecoderBlock::PackedForm::Dense));
    if (!m_sweepDevice.is_cpu())
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
    SA_TRY(Group group, readGroup(input));
    m_stepName = group.layers.front().name;
    m_place = kPlaces[static_cast<std::size_t>(input)];
    m_clock.lap(m_place, "read");
    SA_TRY(const Calibration calibration, calibrate(group, read, passOn));
    SA_CHECK(sweepGroup(std::move(group), calibration, done));
    return passOn ? advance(read, passOn) : Result<void>();
}

Result<BlockPipeline::Group> BlockPipeline::readGroup(LinearInput input) const
{
    Group group;
    for (const auto& layer : linearLayersReading(m_model.config, m_block, input)) {
        SA_TRY(at::Tensor weight, readFloatTensor(m_model.store, layer.name + ".weight", m_sweepDevice));
        group.layers.push_back(layer);
        group.weights.push_back(std::move(weight));
    }
    return group;
}

/// Every rotation has signs of its own; matrix 0 is the group's input, 1 and up are its layers' outputs.
std::uint64_t BlockPipeline::rotationSeed(std::size_t matrix) const
{
    constexpr std::uint64_t kGroupsPerBlock = 16, kMatricesPerGroup = 16;
    const auto place = (static_cast<std::uint64_t>(m_block) * kGroupsPerBlock + static_cast<std::uint64_t>(m_group)) *
                           kMatricesPerGroup +
                       matrix;
    return m_spec.seed + (place << 20);
}

/// The Hessian of one input, `read` giving its activations in either model, ready for the sweep.
Result<BlockPipeline::Calibration> BlockPipeline::calibrate(const Group& group, const WindowStep& read,
                                                            const PassOn& passOn)
{
    const std::string& layerName = group.layers.front().name;
    const std::int64_t K = group.layers.front().K;
    std::optional<HessianAccumulator> hessian(std::in_place, K, m_device);
    std::optional<CrossAccumulator> cross;
    if (m_spec.driftCorrection)
        cross.emplace(K, m_device);
    std::int64_t tokens = 0;
    const auto batch =
        static_cast<std::size_t>(std::max<std::int64_t>(1, kTokensPerBatch / m_quantized.states.front().size(0)));
    const std::size_t windows = m_quantized.states.size();
    const bool kept = passOn && worthKeeping(K);
    m_kept.assign(windows, {});
    if (kept)
        m_kept = places(windows, m_quantized.states.front().size(0), K);
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
                m_kept[w] = keep(inputs[w - begin], m_kept[w]);
            if (!m_spec.driftCorrection)
                return;
            originals[w - begin] = read(m_original, w);
            if (passOn) // its weights stay as they are: it need not wait for the sweep
                m_original.states[w] = keep(passOn(m_original, w, originals[w - begin]), m_original.states[w]);
        });
        SA_CHECK(m_context.cancel.check()); // windows may have been left out
        m_clock.lap(m_place, "forward");
        const at::Tensor x = at::cat(std::exchange(inputs, {}));
        tokens += x.size(0);
        hessian->add(x);
        if (cross)
            cross->add(at::cat(std::exchange(originals, {})), x);
        m_clock.lap(m_place, "hessian");
        report(static_cast<double>(end));
    }
    ++m_pass;
    // On the CPU inside a parallel loop, so that the factorization runs single-threaded and gives the same bits on
    // every machine size.
    Calibration out;
    std::optional<Result<SweepFactor>> factor;
    forEachWindow(0, 1, [&](std::size_t) {
        at::Tensor sum = hessian->matrix().to(m_sweepDevice);
        hessian.reset(); // at the widest inputs each of these matrices is a gigabyte
        if (m_spec.rescales())
            out.transform.exponents =
                balancingExponents(sum, group.weights, m_spec.rotates() ? 0.5 : kOutlierThreshold);
        if (m_spec.rotates())
            out.transform.rotation = rotationSeed(0);
        const at::Tensor H = out.transform.ofSecondMoment(sum);
        sum.reset();
        factor.emplace(factorize(H, m_sweepOptions.columnsPerScale, m_spec.damping));
        if (!*factor || (*factor)->dataFree || !cross)
            return;
        at::Tensor moment = cross->matrix().to(m_sweepDevice);
        cross.reset();
        moment = out.transform.ofSecondMoment(moment);
        out.correction = driftCorrection(moment, H, (*factor)->ridge);
    });
    SA_CHECK(m_context.cancel.check()); // then there may be no factor
    m_clock.lap(m_place, "factorize");
    if (!*factor)
        return std::move(*factor).error().in(m_model.path).at(layerName);
    out.factor = **std::move(factor);
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
Result<void> BlockPipeline::sweepGroup(Group group, const Calibration& calibration, std::vector<QuantizedLayer>& done)
{
    const Stopwatch watch;
    const std::size_t count = group.layers.size();
    std::vector<std::optional<std::uint64_t>> outputRotations(count);
    forEachWindow(0, count, [&](std::size_t i) {
        at::Tensor& weight = group.weights[i];
        weight = calibration.transform.ofWeight(weight);
        if (calibration.correction.defined())
            weight = weight + at::mm(weight, calibration.correction).mul_(calibration.share);
        if (m_spec.rotates()) {
            outputRotations[i] = rotationSeed(i + 1);
            weight = rotateRows(weight.t().contiguous(), *outputRotations[i]).t().contiguous();
        }
    });
    m_clock.lap(m_place, "transform");
    SA_TRY(auto outcomes,
           m_sweepDevice.is_cpu() ? sweepOnCpu(group, calibration.factor) : sweepOnDevice(group, calibration.factor));
    for (std::size_t i = 0; i < count; ++i) {
        const LinearInfo& layer = group.layers[i];
        PackedWeight& packed = outcomes[i].packed;
        packed.exponents = calibration.transform.exponents;
        packed.inputRotation = calibration.transform.rotation;
        packed.outputRotation = outputRotations[i];
        at::Tensor dense = outcomes[i].dense, bias;
        if (dense.defined()) {
            dense = inOriginalBasis(dense, packed);
        } else {
            dense = at::empty({layer.N, layer.K}, at::kFloat);
            if (packed.unpack(dense.data_ptr<float>()) != kernels::Status::Ok)
                return makeError(Errc::Internal, "a quantized layer cannot be unpacked")
                    .in(m_model.path)
                    .at(layer.name);
        }
        if (layer.bias) {
            SA_TRY(bias, readFloatTensor(m_model.store, layer.name + ".bias", m_device));
        }
        m_quantized.block->replaceLinear(layer.role, std::make_unique<DenseLinear>(dense.to(m_device), bias));
        done.push_back({layer, std::move(packed), outcomes[i].error, outcomes[i].relativeError,
                        watch.seconds() / static_cast<double>(count)});
    }
    m_clock.lap(m_place, "pack");
    return {};
}

Result<std::vector<DeviceOutcome>> BlockPipeline::sweepOnCpu(const Group& group, const SweepFactor& factor)
{
    std::vector<LayerSweep> sweeps;
    std::vector<std::pair<std::size_t, std::int64_t>> pieces;
    for (std::size_t i = 0; i < group.layers.size(); ++i) {
        SweepOptions options = m_sweepOptions;
        options.rowsPerScale = m_spec.rowsPerScale(static_cast<int>(group.layers[i].N));
        sweeps.emplace_back(group.weights[i], factor, options);
        for (std::int64_t piece = 0; piece < sweeps.back().pieces(); ++piece)
            pieces.emplace_back(i, piece);
    }
    parallelFor(static_cast<std::int64_t>(pieces.size()), [&](std::int64_t i) {
        const auto [layer, piece] = pieces[static_cast<std::size_t>(i)];
        sweeps[layer].runPiece(piece, m_context.cancel);
    });
    SA_CHECK(m_context.cancel.check());
    m_clock.lap(m_place, "sweep");
    std::vector<DeviceOutcome> out;
    for (auto& sweep : sweeps) {
        auto outcome = sweep.finish();
        out.push_back({std::move(outcome.packed), {}, outcome.error, outcome.relativeError});
    }
    return out;
}

Result<std::vector<DeviceOutcome>> BlockPipeline::sweepOnDevice(const Group& group, const SweepFactor& factor)
{
    std::vector<DeviceLayer> layers;
    for (std::size_t i = 0; i < group.layers.size(); ++i)
        layers.push_back({group.weights[i], m_spec.rowsPerScale(static_cast<int>(group.layers[i].N))});
    return sa::sweepOnDevice(layers, factor, m_sweepOptions, m_context.cancel, [&](SweepPhase phase) {
        constexpr const char* kStages[] = {"sweep", "refine", "pack"};
        m_clock.lap(m_place, kStages[static_cast<std::size_t>(phase)]);
    });
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

/// Moves the quantized model's states behind the layers that were just replaced.
Result<void> BlockPipeline::advance(const WindowStep& read, const PassOn& passOn)
{
    const std::size_t batch = 4 * static_cast<std::size_t>(parallelThreads());
    const std::size_t windows = m_quantized.states.size();
    for (std::size_t begin = 0; begin < windows; begin += batch) {
        SA_CHECK(m_context.cancel.check());
        const std::size_t end = std::min(windows, begin + batch);
        forEachWindow(begin, end, [&](std::size_t w) {
            if (m_context.cancel.cancelled())
                return;
            const CoarseProducts coarse(m_device);
            const at::Tensor input =
                m_kept[w].defined() ? std::exchange(m_kept[w], {}).to(m_device) : read(m_quantized, w);
            m_quantized.states[w] = keep(passOn(m_quantized, w, input), m_quantized.states[w]);
        });
        report(static_cast<double>(end));
    }
    SA_CHECK(m_context.cancel.check());
    m_clock.lap(m_place, "forward");
    ++m_pass;
    return {};
}

void BlockPipeline::forEachWindow(std::size_t begin, std::size_t end,
                                  const std::function<void(std::size_t)>& body) const
{
    if (!m_device.is_cpu()) {
        for (std::size_t w = begin; w < end; ++w)
            body(w);
        return;
    }
    parallelFor(static_cast<std::int64_t>(end - begin),
                [&](std::int64_t i) { body(begin + static_cast<std::size_t>(i)); });
}

void BlockPipeline::report(double finishedWindows)
{
    const double layersPerBlock = static_cast<double>(linearLayersOfBlock(m_model.config, m_block).size());
    const double passes = m_pass + finishedWindows / static_cast<double>(m_quantized.states.size());
    m_meter.update((m_block + passes / kPasses) * layersPerBlock, m_stepName);
}

} // namespace sa
