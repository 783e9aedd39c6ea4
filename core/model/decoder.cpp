// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/decoder.h"

#include "core/model/tensors.h"

#include <ATen/ATen.h>
#include <cmath>
#include <numbers>
#include <stdexcept>

namespace sa
{

namespace
{

at::Tensor rmsNorm(const at::Tensor& x, const at::Tensor& weight, double epsilon)
{
    return x * at::rsqrt(x.pow(2).mean(-1, /*keepdim=*/true) + epsilon) * weight;
}

Result<at::Tensor> read(const ModelFolder& model, const std::string& tensorName, at::Device device)
{
    SA_TRY(const at::Tensor values, readFloatTensor(model.store, tensorName));
    return values.to(device);
}

Result<std::unique_ptr<Linear>> readLinear(const ModelFolder& model, const LinearInfo& info, at::Device device)
{
    at::Tensor bias;
    if (info.bias) {
        SA_TRY(bias, read(model, info.name + ".bias", device));
    }
    if (const PackedLayerInfo* packed = model.packedLayer(info.name)) {
        if (!device.is_cpu())
            return makeError(Errc::Unsupported, "packed models run on the CPU in this version")
                .in(model.path)
                .at("device")
                .butFound(device.str())
                .wanted("cpu");
        SA_TRY(PackedWeight weight, readPacked(model.store, *packed));
        return std::unique_ptr<Linear>(std::make_unique<PlanesLinear>(std::move(weight), std::move(bias)));
    }
    SA_TRY(at::Tensor weight, read(model, info.name + ".weight", device));
    return std::unique_ptr<Linear>(std::make_unique<DenseLinear>(std::move(weight), std::move(bias)));
}

/// Softmax attention of one sequence with a causal mask; the queries are the last T of the S positions.
/// q: [heads, T, d], k and v: [heads, S, d] -> [heads, T, d]. Queries go in slices, so that the scores stay small.
at::Tensor causalAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v)
{
    constexpr std::int64_t kSlice = 256;
    const std::int64_t T = q.size(1), S = k.size(1), past = S - T;
    const double scale = 1.0 / std::sqrt(static_cast<double>(q.size(2)));
    std::vector<at::Tensor> slices;
    for (std::int64_t begin = 0; begin < T; begin += kSlice) {
        const std::int64_t end = std::min(T, begin + kSlice), visible = past + end;
        at::Tensor scores = at::matmul(q.slice(1, begin, end), k.slice(1, 0, visible).transpose(1, 2)).mul_(scale);
        if (end - begin > 1) {
            const at::Tensor hidden =
                at::ones({end - begin, visible}, scores.options().dtype(at::kBool)).triu_(past + begin + 1);
            scores.masked_fill_(hidden, -std::numeric_limits<float>::infinity());
        }
        slices.push_back(at::matmul(at::softmax(scores, -1), v.slice(1, 0, visible)));
    }
    return slices.size() == 1 ? slices.front() : at::cat(slices, 1);
}

} // namespace

LinearInput inputOf(const std::string& projection)
{
    if (projection == "o_proj")
        return LinearInput::AttentionOutput;
    if (projection == "gate_proj" || projection == "up_proj")
        return LinearInput::Mlp;
    if (projection == "down_proj")
        return LinearInput::MlpDown;
    return LinearInput::Attention;
}

// ------------------------------------------------------------------------------------------------------- positions

RotaryEmbedding::RotaryEmbedding(const ModelConfig& config, at::Device device)
{
    const RopeConfig& rope = config.rope;
    std::vector<float> frequencies(static_cast<std::size_t>(config.headDim / 2));
    for (std::size_t i = 0; i < frequencies.size(); ++i) {
        const double exponent = 2.0 * static_cast<double>(i) / static_cast<double>(config.headDim);
        double frequency = std::pow(rope.theta, -exponent);
        if (rope.scaling == RopeConfig::Scaling::Linear) {
            frequency /= rope.factor;
        } else if (rope.scaling == RopeConfig::Scaling::Llama3) {
            const double wavelength = 2.0 * std::numbers::pi / frequency;
            if (wavelength > rope.originalPositions / rope.lowFrequencyFactor) {
                frequency /= rope.factor;
            } else if (wavelength >= rope.originalPositions / rope.highFrequencyFactor) {
                const double smooth = (rope.originalPositions / wavelength - rope.lowFrequencyFactor) /
                                      (rope.highFrequencyFactor - rope.lowFrequencyFactor);
                frequency = (1.0 - smooth) * frequency / rope.factor + smooth * frequency;
            }
        }
        frequencies[i] = static_cast<float>(frequency);
    }
    m_inverseFrequencies = at::tensor(frequencies, at::kFloat).to(device);
}

Rotary RotaryEmbedding::at(std::int64_t firstPosition, std::int64_t count) const
{
    const at::Tensor positions = at::arange(firstPosition, firstPosition + count, m_inverseFrequencies.options());
    const at::Tensor angles = at::outer(positions, m_inverseFrequencies);
    return {angles.cos(), angles.sin()};
}

at::Tensor Rotary::apply(const at::Tensor& x) const
{
    const std::int64_t half = x.size(-1) / 2;
    const at::Tensor a = x.slice(-1, 0, half), b = x.slice(-1, half);
    return at::cat({a * cos - b * sin, b * cos + a * sin}, -1);
}

// ----------------------------------------------------------------------------------------------------------- block

Result<DecoderBlock> DecoderBlock::load(const ModelFolder& model, int block, at::Device device)
{
    const ModelConfig& config = model.config;
    DecoderBlock out;
    out.m_shape = {config.heads, config.kvHeads, config.headDim, config.normEpsilon};
    SA_TRY(out.m_inputNorm, read(model, blockPrefix(block) + "input_layernorm.weight", device));
    SA_TRY(out.m_postNorm, read(model, blockPrefix(block) + "post_attention_layernorm.weight", device));
    for (const auto& info : linearLayersOfBlock(config, block)) {
        SA_TRY(auto linear, readLinear(model, info, device));
        out.m_linears.emplace_back(info.projection, std::move(linear));
    }
    return out;
}

const Linear& DecoderBlock::linear(const char* projection) const
{
    for (const auto& [name, body] : m_linears)
        if (name == projection)
            return *body;
    throw std::logic_error(std::string("no such projection: ") + projection);
}

void DecoderBlock::replaceLinear(const std::string& projection, std::unique_ptr<Linear> linear)
{
    for (auto& [name, body] : m_linears)
        if (name == projection)
            body = std::move(linear);
}

std::int64_t DecoderBlock::weightBytes() const
{
    std::int64_t sum = 0;
    for (const auto& entry : m_linears)
        sum += entry.second->weightBytes();
    return sum;
}

at::Tensor DecoderBlock::attentionInput(const at::Tensor& hidden) const
{
    return rmsNorm(hidden, m_inputNorm, m_shape.epsilon);
}

at::Tensor DecoderBlock::attentionMix(const at::Tensor& x, const Rotary& rotary, KvCache* cache) const
{
    const std::int64_t T = x.size(0);
    const auto heads = [&](const at::Tensor& y, std::int64_t count) {
        return y.view({T, count, m_shape.headDim}).transpose(0, 1);
    };
    const at::Tensor q = rotary.apply(heads(linear("q_proj").forward(x), m_shape.heads));
    at::Tensor k = rotary.apply(heads(linear("k_proj").forward(x), m_shape.kvHeads));
    at::Tensor v = heads(linear("v_proj").forward(x), m_shape.kvHeads);
    if (cache) {
        cache->keys.narrow(1, cache->length, T).copy_(k);
        cache->values.narrow(1, cache->length, T).copy_(v);
        cache->length += T;
        k = cache->keys.narrow(1, 0, cache->length);
        v = cache->values.narrow(1, 0, cache->length);
    }
    const std::int64_t share = m_shape.heads / m_shape.kvHeads;
    if (share > 1) {
        k = k.repeat_interleave(share, 0);
        v = v.repeat_interleave(share, 0);
    }
    return causalAttention(q, k, v).transpose(0, 1).reshape({T, m_shape.heads * m_shape.headDim});
}

at::Tensor DecoderBlock::attentionOutput(const at::Tensor& hidden, const at::Tensor& mixed) const
{
    return hidden + linear("o_proj").forward(mixed);
}

at::Tensor DecoderBlock::mlpInput(const at::Tensor& middle) const
{
    return rmsNorm(middle, m_postNorm, m_shape.epsilon);
}

at::Tensor DecoderBlock::mlpInner(const at::Tensor& x) const
{
    return at::silu(linear("gate_proj").forward(x)).mul_(linear("up_proj").forward(x));
}

at::Tensor DecoderBlock::mlpOutput(const at::Tensor& middle, const at::Tensor& inner) const
{
    return middle + linear("down_proj").forward(inner);
}

at::Tensor DecoderBlock::forward(const at::Tensor& hidden, const Rotary& rotary, KvCache* cache) const
{
    const at::Tensor middle = attentionOutput(hidden, attentionMix(attentionInput(hidden), rotary, cache));
    return mlpOutput(middle, mlpInner(mlpInput(middle)));
}

// ------------------------------------------------------------------------------------------------------ embeddings

Result<Embeddings> Embeddings::load(const ModelFolder& model, at::Device device)
{
    Embeddings out;
    out.m_epsilon = model.config.normEpsilon;
    SA_TRY(out.m_embedding, read(model, "model.embed_tokens.weight", device));
    SA_TRY(out.m_norm, read(model, "model.norm.weight", device));
    out.m_head = out.m_embedding;
    if (!model.config.tiedHead) {
        SA_TRY(out.m_head, read(model, "lm_head.weight", device));
    }
    return out;
}

at::Tensor Embeddings::embed(std::span<const std::int32_t> ids) const
{
    at::Tensor index = at::empty({static_cast<std::int64_t>(ids.size())}, at::kLong);
    auto* out = index.data_ptr<std::int64_t>();
    for (std::size_t i = 0; i < ids.size(); ++i)
        out[i] = ids[i];
    return m_embedding.index_select(0, index.to(m_embedding.device()));
}

at::Tensor Embeddings::logits(const at::Tensor& hidden) const
{
    return at::linear(rmsNorm(hidden, m_norm, m_epsilon), m_head);
}

// --------------------------------------------------------------------------------------------------------- decoder

Decoder::Decoder(ModelConfig config, at::Device device, Embeddings embeddings)
    : m_config(std::move(config))
    , m_device(device)
    , m_embeddings(std::move(embeddings))
    , m_rotary(m_config, device)
{
}

Result<Decoder> Decoder::load(const ModelFolder& model, at::Device device, const CancelToken& cancel,
                              const std::function<void(int, int)>& progress)
{
    SA_TRY(Embeddings embeddings, Embeddings::load(model, device));
    Decoder decoder(model.config, device, std::move(embeddings));
    const int blocks = static_cast<int>(model.config.layers);
    for (int i = 0; i < blocks; ++i) {
        SA_CHECK(cancel.check());
        SA_TRY(DecoderBlock block, DecoderBlock::load(model, i, device));
        decoder.m_blocks.push_back(std::move(block));
        if (progress)
            progress(i + 1, blocks);
    }
    return decoder;
}

at::Tensor Decoder::hidden(std::span<const std::int32_t> ids, std::vector<KvCache>* caches) const
{
    const std::int64_t past = caches ? caches->front().length : 0;
    const Rotary rotary = m_rotary.at(past, static_cast<std::int64_t>(ids.size()));
    at::Tensor state = m_embeddings.embed(ids);
    for (std::size_t i = 0; i < m_blocks.size(); ++i)
        state = m_blocks[i].forward(state, rotary, caches ? &(*caches)[i] : nullptr);
    return state;
}

std::vector<KvCache> Decoder::makeCaches(std::int64_t capacity) const
{
    std::vector<KvCache> caches;
    const auto options = at::TensorOptions().dtype(at::kFloat).device(m_device);
    for (std::size_t i = 0; i < m_blocks.size(); ++i) {
        const at::Tensor empty = at::empty({m_config.kvHeads, capacity, m_config.headDim}, options);
        caches.push_back({empty, at::empty_like(empty), 0});
    }
    return caches;
}

std::int64_t Decoder::blockWeightBytes() const
{
    std::int64_t sum = 0;
    for (const auto& block : m_blocks)
        sum += block.weightBytes();
    return sum;
}

} // namespace sa
