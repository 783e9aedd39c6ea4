// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/estimates.h"

#include "core/base/parallel.h"
#include "core/engine/block_pipeline.h"

#include <ATen/ATen.h>
#include <algorithm>
#include <optional>
#include <string>

namespace sa
{

namespace
{

constexpr int kMaxDefaultWindow = 2048;                           ///< what the paper calibrates with
constexpr std::uint64_t kProgramBytes = std::uint64_t{250} << 20; ///< libraries, thread stacks, the calibration text
constexpr std::uint64_t kHeaderBytes = std::uint64_t{1} << 20;

/// Core seconds of the sweep for one weight and plane (docs/results.md).
constexpr double kSweepSecondsPerCode = 4e-7;
/// Passes of the calibration windows through each linear (BlockPipeline).
constexpr double kForwardPasses = 5.0;

std::uint64_t bytesOf(std::int64_t a, std::int64_t b, std::uint64_t each)
{
    return static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b) * each;
}

PackedLayerInfo plannedLayer(const LinearInfo& layer, const QuantizeSpec& spec, int planes)
{
    PackedLayerInfo packed;
    packed.name = layer.name;
    packed.N = static_cast<int>(layer.N);
    packed.K = static_cast<int>(layer.K);
    packed.q = planes;
    packed.C = spec.columnsPerScale();
    packed.R = spec.rowsPerScale(packed.N);
    packed.rescaled = spec.rescales() && spec.rotates(); // without rotation few layers are
    if (spec.rotates())
        packed.inputRotation = packed.outputRotation = 0; // which seed does not matter to a forecast
    return packed;
}

/// In the pipeline's way: every core its own products.
double flopsPerSecond()
{
    constexpr std::int64_t n = 256;
    const at::Tensor a = at::ones({n, n}), b = at::ones({n, n});
    const std::int64_t products = 4 * parallelThreads();
    const auto multiply = [&] { parallelFor(products, [&](std::int64_t) { at::mm(a, b); }); };
    multiply(); // threads start
    const Stopwatch watch;
    int rounds = 0;
    for (; watch.seconds() < 0.05; ++rounds)
        multiply();
    return 2.0 * n * n * n * static_cast<double>(rounds * products) / watch.seconds();
}

} // namespace

int calibrationWindow(const QuantizerOptions& spec, const ModelConfig& config)
{
    return spec.seqlen.value_or(static_cast<int>(std::min<std::int64_t>(kMaxDefaultWindow, config.positions)));
}

std::map<std::string, PackedLayerInfo> plannedLayers(const ModelFolder& model, const QuantizeSpec& spec,
                                                     const std::map<std::string, int>& widths)
{
    std::map<std::string, PackedLayerInfo> out;
    for (const auto& layer : linearLayers(model.config)) {
        if (!widths.empty() && !widths.contains(layer.name))
            continue;
        out[layer.name] = plannedLayer(layer, spec, widths.empty() ? spec.bits : widths.at(layer.name));
    }
    return out;
}

std::uint64_t plannedHeadBytes(const ModelFolder& model, const QuantizeSpec& spec)
{
    const LinearInfo head = headLayer(model.config);
    if (spec.headBits == kKeptHeadBits)
        return 0;
    if (spec.headBits == kByteHeadBits)
        return ByteHeadInfo{head.name, static_cast<int>(head.N), static_cast<int>(head.K)}.storedBytes();
    return plannedLayer(head, spec, spec.headBits).storedBytes();
}

std::uint64_t outputBytes(const ModelFolder& model, const QuantizeSpec& spec, const std::map<std::string, int>& widths)
{
    std::uint64_t bytes = model.store.totalBytes();
    for (const auto& [layer, packed] : plannedLayers(model, spec, widths)) {
        if (const auto dense = model.store.find(layer + ".weight"))
            bytes -= std::min(bytes, (*dense)->sizeBytes);
        bytes +=
            packed.storedBytes() + (spec.rescales() && !packed.rescaled ? static_cast<std::uint64_t>(packed.K) : 0);
    }
    if (spec.headBits != kKeptHeadBits)
        if (const auto dense = model.store.find(headLayer(model.config).name + ".weight"))
            bytes -= std::min(bytes, (*dense)->sizeBytes);
    return bytes + plannedHeadBytes(model, spec) + kHeaderBytes;
}

std::uint64_t quantizeMemoryBytes(const ModelFolder& model, const QuantizeSpec& spec)
{
    const ModelConfig& c = model.config;
    const std::uint64_t embeddings = bytesOf(c.vocab, c.embeddingWidth, c.tiedHead ? 6 : 10);
    std::uint64_t weights = 0, largestInput = 0;
    for (const auto& layer : linearLayersOfBlock(c, 0)) {
        weights += bytesOf(layer.N, layer.K, 4);
        largestInput = std::max(largestInput, static_cast<std::uint64_t>(layer.K));
    }
    // The block, the original beside it, the group in the sweep, Hessian and cross sums with their factors in float64,
    // one batch of activations of both models.
    constexpr auto kBatchTokens = static_cast<std::uint64_t>(BlockPipeline::kTokensPerBatch);
    const std::uint64_t block = 3 * weights + 5 * 8 * largestInput * largestInput + 4 * 4 * kBatchTokens * largestInput;
    const std::uint64_t tokens = bytesOf(spec.samples, calibrationWindow(spec, c), 1);
    const std::uint64_t states = tokens * 8 * static_cast<std::uint64_t>(c.hidden + c.heads * c.headDim);
    std::uint64_t head = 0;
    if (spec.headBits != kKeptHeadBits) { // as stored, in float32, what is lost, and the result
        const auto width = static_cast<std::uint64_t>(c.embeddingWidth);
        head = bytesOf(c.vocab, c.embeddingWidth, spec.headBits == kByteHeadBits ? 11 : 18) + 5 * 8 * width * width +
               4 * 4 * kBatchTokens * width;
    }
    return kProgramBytes + std::max({embeddings, block, head}) + states +
           states / 4; // a quarter: what moving past a block leaves
}

std::uint64_t residentBytes(const ModelFolder& model)
{
    std::uint64_t bytes = kProgramBytes + 4 * static_cast<std::uint64_t>(model.parameters());
    for (const auto& layer : linearLayers(model.config))
        if (const PackedLayerInfo* packed = model.packedLayer(layer.name))
            bytes = bytes - bytesOf(layer.N, layer.K, 4) + packed->storedBytes();
    if (const std::uint64_t head = model.headBytes(); model.quantizedHead()) {
        const LinearInfo dense = headLayer(model.config);
        bytes = bytes - (model.config.tiedHead ? 0 : bytesOf(dense.N, dense.K, 4)) + head;
    }
    return bytes;
}

double quantizeSeconds(const ModelFolder& model, const QuantizeSpec& spec)
{
    double weights = 0, hessian = 0;
    std::optional<LinearInput> previous;
    for (const auto& layer : linearLayersOfBlock(model.config, 0)) {
        const double n = static_cast<double>(layer.N), k = static_cast<double>(layer.K);
        weights += n * k;
        if (previous != inputOf(layer.role)) // linears that share an input share its Hessian, half of which is computed
            hessian += 1.5 * k * k;          // and the cross sums, which have no symmetry
        previous = inputOf(layer.role);
    }
    const double tokens = static_cast<double>(spec.samples) * calibrationWindow(spec, model.config);
    const double flops = 2.0 * tokens * (kForwardPasses * weights + hessian);
    const double blocks = static_cast<double>(model.config.layers);
    return blocks * (flops / flopsPerSecond() + kSweepSecondsPerCode * weights * spec.bits / parallelThreads());
}

} // namespace sa
