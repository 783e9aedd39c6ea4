// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/step_model.h"

#include "core/model/stored_linear.h"
#include "sa/kernels/gpu_step.h"

#include <ATen/ATen.h>

namespace sa
{

namespace
{

/// Roles in the order of rows.
std::vector<LinearRole> rolesOf(const DecoderBlock::Shape& shape, LinearInput input)
{
    switch (input) {
    case LinearInput::Attention:
        if (shape.fusedAttention)
            return {LinearRole::QueryKeyValue};
        return {LinearRole::Query, LinearRole::Key, LinearRole::Value};
    case LinearInput::AttentionOutput:
        return {LinearRole::Output};
    case LinearInput::Mlp:
        if (shape.gatedMlp)
            return {LinearRole::Gate, LinearRole::Up};
        return {LinearRole::Up};
    case LinearInput::MlpDown:
        break;
    }
    return {LinearRole::Down};
}

StepProduct productOf(std::shared_ptr<const GpuPlanes> planes)
{
    StepProduct out;
    out.N = planes->image.N;
    out.K = planes->image.K;
    if (planes->exponents.defined())
        out.factors = at::exp2(planes->exponents.to(at::kFloat));
    bool biased = false;
    for (const auto& part : planes->parts) {
        biased = biased || part.bias.defined();
        out.rotated = out.rotated || part.outputSigns.defined();
    }
    if (biased) {
        std::vector<at::Tensor> all;
        for (const auto& part : planes->parts)
            all.push_back(part.bias.defined() ? part.bias
                                              : at::zeros({part.N}, planes->bytes.options().dtype(at::kFloat)));
        out.bias = at::cat(all);
    }
    out.planes = std::move(planes);
    return out;
}

std::optional<StepProduct> denseProductOf(const Linear& linear)
{
    StepProduct out;
    if (const auto* dense = dynamic_cast<const DenseLinear*>(&linear)) {
        out.weight = dense->weight();
        out.bias = dense->bias();
    } else if (const auto* stored = dynamic_cast<const StoredLinear*>(&linear)) {
        out.weight = stored->weight();
        out.rowScales = stored->rowScales();
    } else {
        return std::nullopt;
    }
    out.N = static_cast<int>(out.weight.size(0));
    out.K = static_cast<int>(out.weight.size(1));
    return out;
}

/// Bodies in the order of their rows; planes that they share once.
std::optional<std::vector<StepProduct>> productsOf(const std::vector<const Linear*>& linears)
{
    std::vector<StepProduct> out;
    for (std::size_t i = 0; i < linears.size();) {
        if (!linears[i])
            return std::nullopt;
        if (auto dense = denseProductOf(*linears[i])) {
            out.push_back(std::move(*dense));
            ++i;
            continue;
        }
        const auto first = gpuPartOf(*linears[i]);
        if (!first)
            return std::nullopt;
        const std::size_t count = first->planes->parts.size();
        for (std::size_t j = 0; j < count; ++j) {
            const auto part = i + j < linears.size() ? gpuPartOf(*linears[i + j]) : std::nullopt;
            if (!part || part->planes != first->planes || part->part != j)
                return std::nullopt;
        }
        out.push_back(productOf(first->planes));
        i += count;
    }
    return out;
}

} // namespace

std::optional<std::string> stepObstacle(const ModelConfig& c, std::int64_t capacity)
{
    if (c.headDim > kernels::kStepMaxHeadDim)
        return "heads are wider than " + std::to_string(kernels::kStepMaxHeadDim);
    if (c.queryKeyNorm && c.norm == NormKind::Layer)
        return "queries and keys have layer norms";
    if (c.embeddingWidth != c.hidden)
        return "the embeddings are projected";
    for (const auto* rope : {&c.rope, c.localRope ? &*c.localRope : nullptr})
        if (c.positionScheme == PositionScheme::Rotary && rope && rope->scaling == RopeConfig::Scaling::Dynamic &&
            static_cast<double>(capacity) > rope->originalPositions)
            return "the rotation changes with the length of the text";
    // Vectors are read sixteen bytes at a time, wherever one begins behind another.
    if (c.gatedMlp && c.intermediate % 4 != 0)
        return "the inner size is no multiple of 4";
    return std::nullopt;
}

at::Tensor inFewerBytes(const at::Tensor& values)
{
    for (const at::ScalarType type : {at::kHalf, at::kBFloat16}) {
        const at::Tensor narrow = values.to(type);
        if (narrow.to(at::kFloat).equal(values))
            return narrow;
    }
    return values;
}

std::optional<StepModel> stepModelOf(const Decoder& decoder)
{
    if (decoder.roundsToHalf())
        return std::nullopt;
    const auto& ends = decoder.embeddings().parts();
    StepModel out;
    out.config = decoder.config();
    out.device = decoder.device();
    out.embedding = ends.embedding;
    out.positionTable = ends.positions;
    out.embeddingNorm = ends.embeddingNorm;
    out.finalNorm = ends.headInput.norm;
    const auto head = productsOf({ends.head.get()});
    if (!head)
        return std::nullopt;
    out.head = head->front();
    if (out.head.weight.defined() && out.head.weight.scalar_type() == at::kFloat)
        out.head.weight = inFewerBytes(out.head.weight);
    out.positions = std::make_shared<PositionEncoder>(decoder.positions());
    for (const DecoderBlock& block : decoder.blocks()) {
        StepBlock step{block.shape(), block.norms(), {}};
        for (int input = 0; input < kLinearInputs; ++input) {
            std::vector<const Linear*> linears;
            for (const LinearRole role : rolesOf(block.shape(), static_cast<LinearInput>(input)))
                linears.push_back(block.find(role));
            auto products = productsOf(linears);
            if (!products)
                return std::nullopt;
            step.products[static_cast<std::size_t>(input)] = std::move(*products);
        }
        out.blocks.push_back(std::move(step));
    }
    return out;
}

void StepModel::forEachProduct(const std::function<void(const StepProduct&)>& body) const
{
    for (const StepBlock& block : blocks)
        for (const auto& products : block.products)
            for (const StepProduct& product : products)
                body(product);
    body(head);
}

std::int64_t StepModel::planeBytes() const
{
    std::int64_t sum = 0;
    forEachProduct([&](const StepProduct& product) {
        if (product.planes)
            sum += static_cast<std::int64_t>(product.N) * product.K * product.planes->image.q / 8;
    });
    return sum;
}

std::int64_t StepModel::denseBytes() const
{
    std::int64_t sum = 0;
    forEachProduct([&](const StepProduct& product) {
        for (const at::Tensor* tensor : {&product.weight, &product.rowScales})
            if (tensor->defined())
                sum += static_cast<std::int64_t>(tensor->nbytes());
    });
    return sum;
}

std::int64_t StepModel::residentBytes() const
{
    std::int64_t sum = denseBytes();
    if (!embedding.is_same(head.weight))
        sum += static_cast<std::int64_t>(embedding.nbytes());
    if (positionTable.defined())
        sum += static_cast<std::int64_t>(positionTable.nbytes());
    forEachProduct([&](const StepProduct& product) {
        if (product.planes)
            sum += product.planes->bytes.numel();
    });
    return sum;
}

} // namespace sa
