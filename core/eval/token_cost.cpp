// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/eval/token_cost.h"

#include <algorithm>

namespace sa
{

namespace
{

std::uint64_t count(std::int64_t value)
{
    return static_cast<std::uint64_t>(value);
}

/// Counts the parts of one model; bytes of weights as stored, of activations in the arithmetic's width.
class Counter
{
public:
    explicit Counter(const ModelFolder& model)
        : m_config(model.config)
        , m_float(count(arithmeticBits(model)) / 8)
        , m_linear(originalWeightBytes(model))
        , m_table(storedBytes(model, model.embeddingTensor()))
        , m_head(m_config.tiedHead       ? m_table
                 : model.quantizedHead() ? m_linear
                                         : storedBytes(model, std::string(m_config.names.head) + ".weight"))
    {
    }

    static std::uint64_t originalWeightBytes(const ModelFolder& model)
    {
        const auto layer = linearLayersOfBlock(model.config, 0).front();
        if (!model.packedLayer(layer.name))
            return storedBytes(model, layer.name + ".weight");
        for (const Dtype dtype : {Dtype::F16, Dtype::BF16, Dtype::F64})
            if (model.quantization->originalDtype == name(dtype))
                return count(sizeBytes(dtype));
        return sizeof(float);
    }

    /// A transform of the layer's input (sign flips, powers of two, additions of a Hadamard product) is part of the
    /// layer: what it adds and shifts goes here.
    LayerCost layer(const LinearInfo& linear, const PackedLayerInfo* planes, int terms) const
    {
        const std::uint64_t N = count(linear.N), K = count(linear.K);
        LayerCost out{linear.name, {}, {}};
        Traffic& bytes = out.cost.bytes;
        bytes.weights = linear.bias ? N * m_linear : 0;
        bytes.activations = (K + N) * m_float;
        if (planes) {
            const kernels::SignPlanes shape = planes->shape();
            out.cost.operations = planesOperations(shape, terms, linear.bias);
            out.kernel = kernelOperations(shape, terms, linear.bias);
            bytes.weights += shape.wordCount() * sizeof(std::uint32_t);
            bytes.scales = planes->storedBytes() - shape.wordCount() * sizeof(std::uint32_t);
            const Operations transforms = transformOperations(*planes);
            out.cost.operations += transforms;
            out.kernel += transforms;
        } else {
            out.cost.operations = out.kernel = denseOperations(N, K, linear.bias);
            bytes.weights += N * K * m_linear;
        }
        return out;
    }

    /// What the activations go through before and behind the planes.
    static Operations transformOperations(const PackedLayerInfo& planes)
    {
        Operations out;
        if (planes.rescaled)
            out.shifts += count(planes.K);
        if (planes.inputRotation)
            out += rotationOperations(planes.K);
        if (planes.outputRotation)
            out += rotationOperations(planes.N);
        return out;
    }

    Cost embedding() const
    {
        const std::uint64_t width = count(m_config.embeddingWidth), hidden = count(m_config.hidden);
        Cost out{{}, {.weights = width * m_table, .activations = hidden * m_float}};
        if (m_config.embeddingScale != 1.0)
            out.operations.multiplies += width;
        if (width != hidden)
            out += dense(hidden, width, m_table);
        if (m_config.positionScheme == PositionScheme::Learned) {
            out.operations.adds += hidden;
            out.bytes.weights += hidden * m_table;
        }
        if (m_config.embeddingNorm)
            out += norm(hidden);
        return out;
    }

    /// Rotation, scores, softmax, mixture, and the cache.
    Cost attention(int block, std::int64_t context) const
    {
        const std::int64_t window = m_config.windowOf(block);
        const std::uint64_t seen = count(window > 0 ? std::min(window, context) : context);
        const std::uint64_t heads = count(m_config.heads), kvHeads = count(m_config.kvHeads),
                            d = count(m_config.headDim), scores = heads * seen;
        Cost out;
        Operations& n = out.operations;
        n.multiplies = scores * d + scores + scores * d;         // q.k, its scale, p.v
        n.adds = scores * (d - 1) + heads * d * (seen - 1);      // q.k, p.v
        n += {.multiplies = scores, .adds = 2 * scores - heads}; // softmax: less the maximum, sum, normalised
        if (m_config.attentionSoftcap)
            n.multiplies += 2 * scores;
        if (m_config.positionScheme == PositionScheme::Alibi)
            n += {.multiplies = scores, .adds = scores};
        if (m_config.positionScheme == PositionScheme::Rotary)
            n += (heads + kvHeads) * (d / 2) * Operations{.multiplies = 4, .adds = 2};
        if (m_config.queryKeyNorm)
            out += {(heads + kvHeads) * norm(d).operations, // with one weight for all queries, one for all keys
                    {.weights = 2 * norm(d).bytes.weights, .activations = (heads + kvHeads) * 2 * d * m_float}};
        out.bytes += {.activations = 2 * heads * d * m_float, .cache = seen * 2 * kvHeads * d * m_float};
        return out;
    }

    /// Norms, residuals and the function inside the MLP.
    Cost elementwise() const
    {
        const auto& names = m_config.names;
        const std::uint64_t hidden = count(m_config.hidden), inner = count(m_config.intermediate);
        Cost out;
        for (const auto name : {names.attentionNorm, names.attentionPostNorm, names.mlpNorm, names.mlpPostNorm})
            if (!name.empty())
                out += norm(hidden);
        out += {{.adds = 2 * hidden}, {.activations = 2 * 3 * hidden * m_float}};
        if (m_config.activation != Activation::Relu) // x times a function of x
            out.operations.multiplies += inner;
        if (m_config.gatedMlp)
            out.operations.multiplies += inner;
        out.bytes.activations += (m_config.gatedMlp ? 3 : 2) * inner * m_float;
        return out;
    }

    Cost head(const PackedLayerInfo* planes, int terms, bool ofBytes) const
    {
        const std::uint64_t width = count(m_config.embeddingWidth), hidden = count(m_config.hidden);
        Cost out;
        if (m_config.finalNorm)
            out += norm(hidden);
        if (width != hidden)
            out += dense(width, hidden, m_table);
        if (planes) {
            out += layer(headLayer(m_config), planes, terms).cost;
        } else {
            out += dense(count(m_config.vocab), width, ofBytes ? 1 : m_head);
            if (ofBytes)
                out += Cost{{.multiplies = count(m_config.vocab)}, {.scales = sizeof(float) * count(m_config.vocab)}};
        }
        if (m_config.headSoftcap)
            out.operations.multiplies += 2 * count(m_config.vocab);
        return out;
    }

private:
    static std::uint64_t storedBytes(const ModelFolder& model, const std::string& tensor)
    {
        const auto found = model.store.find(tensor); // checked when the folder was opened
        return found ? count(sizeBytes((*found)->dtype)) : sizeof(float);
    }

    Cost dense(std::uint64_t N, std::uint64_t K, std::uint64_t weightBytes) const
    {
        return {denseOperations(N, K, false), {.weights = N * K * weightBytes, .activations = (K + N) * m_float}};
    }

    /// Mean of squares (layer norms: mean, differences, then that), times the root's reciprocal, times the weight.
    Cost norm(std::uint64_t width) const
    {
        const bool layerNorm = m_config.norm == NormKind::Layer;
        const std::uint64_t vectors = !m_config.normAffine ? 0 : layerNorm ? 2 : 1;
        Cost out{{.multiplies = 2 * width + 1, .adds = width}, // with the epsilon
                 {.weights = vectors * width * m_table, .activations = 2 * width * m_float}};
        if (layerNorm)
            out.operations += {.multiplies = 1, .adds = width - 1 + width};
        if (vectors > 0)
            out.operations.multiplies += width;
        if (vectors > 1)
            out.operations.adds += width;
        return out;
    }

    const ModelConfig& m_config;
    std::uint64_t m_float;  ///< bytes of an activation
    std::uint64_t m_linear; ///< bytes of an original weight
    std::uint64_t m_table;  ///< bytes of an element of the embeddings; norms are taken to be stored alike
    std::uint64_t m_head;
};

} // namespace

Cost TokenCost::inLayers() const
{
    Cost sum;
    for (const LayerCost& layer : layers)
        sum += layer.cost;
    return sum;
}

Cost TokenCost::around() const
{
    Cost sum;
    for (const PartCost& part : parts)
        sum += part.cost;
    return sum;
}

Operations TokenCost::kernelInLayers() const
{
    Operations sum;
    for (const LayerCost& layer : layers)
        sum += layer.kernel;
    return sum;
}

int arithmeticBits(const ModelFolder& model)
{
    return Counter::originalWeightBytes(model) > 2 ? 32 : 16;
}

TokenCost tokenCost(const ModelFolder& model, const std::map<std::string, PackedLayerInfo>& planes, int terms,
                    std::int64_t context, bool byteHead)
{
    const Counter counter(model);
    const auto planesOf = [&planes](const LinearInfo& linear) {
        const auto packed = planes.find(linear.name);
        return packed == planes.end() ? nullptr : &packed->second;
    };
    TokenCost out;
    for (const LinearInfo& linear : linearLayers(model.config))
        out.layers.push_back(counter.layer(linear, planesOf(linear), terms));
    Cost attention, elementwise;
    for (int block = 0; block < model.config.layers; ++block) {
        attention += counter.attention(block, context);
        elementwise += counter.elementwise();
    }
    out.parts = {{"embedding", counter.embedding()},
                 {"attention", attention},
                 {"elementwise", elementwise},
                 {"head", counter.head(planesOf(headLayer(model.config)), terms, byteHead)}};
    return out;
}

} // namespace sa
