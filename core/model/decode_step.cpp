// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/model/decode_step.h"

#include "core/model/step_inputs.h"
#include "sa/kernels/gpu_chain.h"

#include <ATen/ATen.h>
#include <stdexcept>

namespace sa
{

namespace
{

using namespace kernels;
using namespace step;
using step::Input;

void expectOk(Status status)
{
    if (status != Status::Ok)
        throw std::runtime_error(std::string("a decode step failed on the device: ") + name(status) + " " +
                                 gpuLastError());
}

struct FreeMapped {
    void operator()(std::int32_t* memory) const { gpuFreeMapped(memory); }
};

class GpuDecodeStep final : public DecodeStep
{
public:
    GpuDecodeStep(std::shared_ptr<const StepModel> model, std::vector<KvCache>& caches)
        : m_model(std::move(model))
        , m_caches(caches)
        , m_token(gpuMappedInts(1))
    {
        const ModelConfig& c = m_model->config;
        GpuInfo info;
        const int device = std::max(0, static_cast<int>(m_model->device.index()));
        expectOk(gpuInfo(device, info));
        expectOk(m_graph.open(device));
        m_launch = {m_graph.stream(), info.architecture >= 90};
        if (!m_token)
            throw std::runtime_error("no memory that the device and the processor share");
        m_state = at::zeros({2}, ints());
        std::size_t zeroed = 0, scratch = 0;
        std::int64_t rows[kLinearInputs] = {}, widest = c.hidden;
        m_model->forEachProduct([&](const StepProduct& product) {
            widest = std::max<std::int64_t>({widest, product.K, product.N});
            if (!product.planes)
                return;
            zeroed = std::max(zeroed, product.planes->image.zeroedBytes);
            scratch = std::max(scratch, product.planes->image.scratchBytes);
        });
        for (const StepBlock& block : m_model->blocks)
            for (int input = 0; input < kLinearInputs; ++input) {
                std::int64_t all = 0;
                for (const StepProduct& product : block.products[static_cast<std::size_t>(input)])
                    all += product.N;
                rows[input] = std::max(rows[input], all);
            }
        m_hidden = vector(c.hidden);
        m_normed = vector(c.hidden);
        m_branch = vector(c.hidden);
        m_attention = vector(rows[static_cast<int>(LinearInput::Attention)]);
        m_mixed = vector(c.heads * c.headDim);
        m_inner = vector(rows[static_cast<int>(LinearInput::Mlp)]);
        m_turned = vector(widest);
        m_product = vector(widest);
        m_logits = vector(m_model->head.N);
        m_buffers = {bytes(zeroed).data_ptr(), bytes(scratch).data_ptr()};
        m_attentionScratch = bytes(stepAttentionScratchBytes(static_cast<int>(c.heads), static_cast<int>(c.headDim)));
        m_codes = m_model->positions->at(0, caches.front().keys.size(1));
        m_rehearsing = true;
        chain(info);
        record();
    }

    at::Tensor run(std::int32_t token) override
    {
        const auto position = static_cast<std::int32_t>(m_caches.front().length);
        if (m_next != position || *m_token != token) {
            at::Tensor state = at::empty({2}, at::kInt);
            state.data_ptr<std::int32_t>()[0] = token;
            state.data_ptr<std::int32_t>()[1] = position;
            m_state.copy_(state);
        }
        expectOk(m_graph.replay());
        expectOk(m_graph.wait());
        grow(1);
        return m_logits.narrow(0, 0, m_model->head.N);
    }
    std::int32_t likeliest() const override { return *m_token; }
    double time(int count) override
    {
        double seconds = 0;
        expectOk(m_graph.time(count, seconds));
        grow(count);
        return seconds;
    }

private:
    at::TensorOptions options() const { return at::TensorOptions().dtype(at::kFloat).device(m_model->device); }
    at::TensorOptions ints() const { return options().dtype(at::kInt); }
    at::Tensor vector(std::int64_t count) { return at::zeros({std::max<std::int64_t>(4, count)}, options()); }
    at::Tensor bytes(std::size_t count)
    {
        m_memory.push_back(
            at::zeros({std::max<std::int64_t>(256, static_cast<std::int64_t>(count))}, options().dtype(at::kByte)));
        return m_memory.back();
    }
    void grow(int count)
    {
        for (KvCache& cache : m_caches)
            cache.length += count;
        m_next = static_cast<std::int32_t>(m_caches.front().length);
    }
    /// A tensor for the replays, in the order of the recording: made in the rehearsal, since nothing may be made while
    /// recording.
    template<class Make> at::Tensor keep(Make make)
    {
        if (m_rehearsing)
            m_kept.push_back(make().contiguous());
        return m_kept[m_place++];
    }
    template<class Call> void enqueue(Call call)
    {
        if (!m_rehearsing)
            expectOk(call());
    }

    void value(const Input& input, std::int64_t n, const StepOutput& output, float softcap = 0)
    {
        enqueue([&] { return gpuStepValue(ready(input), static_cast<int>(n), output, softcap, m_launch); });
    }

    void multiplyDense(const StepProduct& product, const Input& input, const float* residual, float* y, float softcap)
    {
        const StepMatrix matrix{product.weight.data_ptr(), typeOf(product.weight), product.N, product.K,
                                floats(product.rowScales)};
        enqueue([&] {
            return gpuStepDense(matrix, ready(input), {floats(product.bias), residual, y}, softcap, m_launch);
        });
    }

    /// y = product + residual (may be null).
    void multiply(const StepProduct& product, Input input, const float* residual, float* y)
    {
        if (!product.planes)
            return multiplyDense(product, input, residual, y, 0);
        const GpuPlanes& planes = *product.planes;
        if (product.factors.defined()) { // powers of two: exact wherever they go
            input.weight =
                input.weight.defined() ? keep([&] { return input.weight * product.factors; }) : product.factors;
            if (input.bias.defined())
                input.bias = keep([&] { return input.bias * product.factors; });
        }
        const bool oneBit = planes.image.path == GpuPath::OneBit;
        if (planes.inputSigns.defined() || !oneBit) {
            value(input, product.K, {nullptr, nullptr, m_turned.data_ptr<float>()});
            input = plain(m_turned);
            if (planes.inputSigns.defined())
                enqueue([&] {
                    return gpuShiftAndRotate(nullptr, words(planes.inputSigns), product.K, m_turned.data_ptr<float>(),
                                             1, product.K, m_launch.stream);
                });
        }
        const bool direct = oneBit && !product.rotated;
        const StepOutput last{floats(product.bias), residual, y};
        const StepOutput first = direct ? last : StepOutput{nullptr, nullptr, m_product.data_ptr<float>()};
        if (oneBit) {
            enqueue([&] {
                return gpuStepProduct(planes.image, planes.bytes.data_ptr(), ready(input), first, m_buffers.zeroed,
                                      m_launch);
            });
        } else {
            GpuCall call;
            call.image = planes.bytes.data_ptr();
            call.x = input.what.x;
            call.M = 1;
            call.y = first.y;
            call.ldy = product.N;
            call.buffers = m_buffers;
            call.stream = m_launch.stream;
            enqueue([&] { return gpuProduct(planes.image, call); });
        }
        if (direct)
            return;
        for (const auto& part : planes.parts)
            if (part.outputSigns.defined())
                enqueue([&] {
                    return gpuRotateBack(words(part.outputSigns), part.N, m_product.data_ptr<float>() + part.rowBegin,
                                         1, part.N, m_launch.stream);
                });
        value(plain(m_product), product.N, last);
    }
    static const std::uint32_t* words(const at::Tensor& signs)
    {
        return reinterpret_cast<const std::uint32_t*>(signs.data_ptr<int>());
    }
    void multiplyAll(const std::vector<StepProduct>& products, const Input& input, const float* residual,
                     const at::Tensor& y)
    {
        std::int64_t row = 0;
        for (const StepProduct& product : products) {
            multiply(product, input, residual, y.data_ptr<float>() + row);
            row += product.N;
        }
    }

    /// A branch of a block, from the input that `in` makes, back onto the residual.
    template<class Inside>
    void branch(const DecoderBlock::Shape& shape, const Norm& before, const Norm& after,
                const std::vector<StepProduct>& last, Inside inside)
    {
        Input in = shape.placement == NormPlacement::After ? plain(m_hidden) : normOf(before, m_hidden);
        const at::Tensor& residual = shape.residualFromNorm ? m_normed : m_hidden;
        if (shape.residualFromNorm) {
            value(in, m_model->config.hidden, {nullptr, nullptr, m_normed.data_ptr<float>()});
            in = plain(m_normed);
        }
        const Input out = inside(in);
        switch (shape.placement) {
        case NormPlacement::Before:
            multiplyAll(last, out, residual.data_ptr<float>(), m_hidden);
            break;
        case NormPlacement::After:
            multiplyAll(last, out, m_hidden.data_ptr<float>(), m_branch);
            value(normOf(before, m_branch), m_model->config.hidden, {nullptr, nullptr, m_hidden.data_ptr<float>()});
            break;
        case NormPlacement::Sandwich:
            multiplyAll(last, out, nullptr, m_branch);
            value(normOf(after, m_branch), m_model->config.hidden,
                  {nullptr, m_hidden.data_ptr<float>(), m_hidden.data_ptr<float>()});
            break;
        }
    }

    StepAttention attentionOf(const StepBlock& block, KvCache& cache)
    {
        const auto& s = block.shape;
        const auto d = static_cast<int>(s.headDim), heads = static_cast<int>(s.heads),
                   kvHeads = static_cast<int>(s.kvHeads);
        const float* all = m_attention.data_ptr<float>();
        StepAttention a;
        a.q = all;
        a.k = s.fusedAttention ? all + d : all + heads * d;
        a.v = s.fusedAttention ? all + 2 * d : all + (heads + kvHeads) * d;
        a.strideQ = a.strideKv = s.fusedAttention ? 3 * d : d;
        a.heads = heads;
        a.kvHeads = kvHeads;
        a.headDim = d;
        a.keys = cache.keys.data_ptr<float>();
        a.values = cache.values.data_ptr<float>();
        a.capacity = static_cast<int>(cache.keys.size(1));
        a.queryNorm = block.norms.query.kind() ? floats(headNorm(block.norms.query, d)) : nullptr;
        a.keyNorm = block.norms.key.kind() ? floats(headNorm(block.norms.key, d)) : nullptr;
        a.epsilon = static_cast<float>(block.norms.query.kind() ? block.norms.query.epsilon() : 0.0);
        if (const Rotary* rotary = m_codes.rotaryFor(s.windowed)) {
            a.cos = floats(keep([&] { return rotary->cos; }));
            a.sin = floats(keep([&] { return rotary->sin; }));
        }
        a.slopes = floats(m_codes.slopes);
        a.scale = static_cast<float>(s.attention.scale);
        a.softcap = static_cast<float>(s.attention.softcap.value_or(0.0));
        a.window = static_cast<int>(s.attention.window);
        a.out = m_mixed.data_ptr<float>();
        a.scratch = m_attentionScratch.data_ptr();
        return a;
    }
    void attend(const StepBlock& block, KvCache& cache)
    {
        const StepAttention a = attentionOf(block, cache);
        enqueue([&] { return gpuStepAttention(a, m_state.data_ptr<std::int32_t>(), m_launch); });
    }
    /// Weights of ones where a norm has none.
    at::Tensor headNorm(const Norm& norm, int d)
    {
        return norm.weight().defined() ? norm.weight() : keep([&] { return at::ones({d}, options()); });
    }

    /// A product as a chain takes it; nothing for those of another kind. weight: of its input, or undefined.
    std::optional<ChainProduct> chainProduct(const StepBlock& block, LinearInput input, at::Tensor weight)
    {
        const auto& products = block.products[static_cast<std::size_t>(input)];
        if (products.size() != 1 || !products.front().planes || products.front().rotated ||
            products.front().bias.defined() || products.front().planes->inputSigns.defined())
            return std::nullopt;
        const StepProduct& product = products.front();
        if (product.factors.defined())
            weight = weight.defined() ? keep([&] { return weight * product.factors; }) : product.factors;
        return ChainProduct{&product.planes->image, product.planes->bytes.data_ptr(), floats(weight)};
    }
    std::optional<ChainBlock> chainBlock(const StepBlock& block, KvCache& cache)
    {
        const auto& s = block.shape;
        const auto rms = [](const Norm& norm) {
            return norm.kind() == NormKind::Rms || norm.kind() == NormKind::RmsPlusOne;
        };
        if (s.placement != NormPlacement::Before || s.residualFromNorm || !s.gatedMlp || s.fusedAttention ||
            !rms(block.norms.attention) || !rms(block.norms.mlp))
            return std::nullopt;
        const auto asked = chainProduct(block, LinearInput::Attention, block.norms.attention.weight());
        const auto joined = chainProduct(block, LinearInput::AttentionOutput, {});
        const auto gated = chainProduct(block, LinearInput::Mlp, block.norms.mlp.weight());
        const auto lowered = chainProduct(block, LinearInput::MlpDown, {});
        if (!asked || !joined || !gated || !lowered)
            return std::nullopt;
        ChainBlock out;
        out.attention = *asked;
        out.mixing = attentionOf(block, cache);
        out.output = *joined;
        out.mlp = *gated;
        out.down = *lowered;
        out.attentionEpsilon = static_cast<float>(block.norms.attention.epsilon());
        out.mlpEpsilon = static_cast<float>(block.norms.mlp.epsilon());
        out.activation = activationOf(s.activation);
        return out;
    }
    /// All blocks in one launch, where the device and every block are of the kind that it is for.
    void chain(const GpuInfo& info)
    {
        std::vector<ChainBlock> blocks;
        for (std::size_t i = 0; i < m_model->blocks.size(); ++i) {
            const auto block = chainBlock(m_model->blocks[i], m_caches[i]);
            if (!block)
                return;
            blocks.push_back(*block);
        }
        const ChainModel model{blocks.data(), static_cast<int>(blocks.size()), floats(m_hidden),
                               m_hidden.data_ptr<float>(), m_state.data_ptr<std::int32_t>()};
        GpuChain plan;
        if (gpuChain(model, info, {}, plan) != Status::Ok)
            return;
        m_chainMemory = bytes(plan.bytes);
        at::Tensor host = at::empty({static_cast<std::int64_t>(plan.written)}, at::kByte);
        expectOk(gpuChainWrite(model, info, {}, m_chainMemory.data_ptr(), host.data_ptr()));
        m_chainMemory.narrow(0, 0, host.numel()).copy_(host);
        m_chain = plan;
    }

    void recordBlock(const StepBlock& block, KvCache& cache)
    {
        const auto products = [&](LinearInput input) -> const std::vector<StepProduct>& {
            return block.products[static_cast<std::size_t>(input)];
        };
        branch(block.shape, block.norms.attention, block.norms.attentionPost, products(LinearInput::AttentionOutput),
               [&](const Input& in) {
                   multiplyAll(products(LinearInput::Attention), in, nullptr, m_attention);
                   attend(block, cache);
                   return plain(m_mixed);
               });
        branch(block.shape, block.norms.mlp, block.norms.mlpPost, products(LinearInput::MlpDown), [&](const Input& in) {
            multiplyAll(products(LinearInput::Mlp), in, nullptr, m_inner);
            Input out = plain(m_inner);
            out.what.kind = StepInputKind::Activated;
            out.what.activation = activationOf(block.shape.activation);
            if (block.shape.gatedMlp)
                out.what.factor = out.what.x + m_model->config.intermediate;
            return out;
        });
    }

    void recordHead()
    {
        const Input input = normOf(m_model->finalNorm, m_hidden);
        const auto softcap = static_cast<float>(m_model->config.headSoftcap.value_or(0.0));
        auto* logits = m_logits.data_ptr<float>();
        if (!m_model->head.planes)
            return multiplyDense(m_model->head, input, nullptr, logits, softcap);
        multiply(m_model->head, input, nullptr, logits);
        if (softcap > 0)
            value(plain(m_logits), m_model->head.N, {nullptr, nullptr, logits}, softcap);
    }

    void recordAll()
    {
        const StepModel& m = *m_model;
        const auto* state = m_state.data_ptr<std::int32_t>();
        StepEmbedding embedding;
        embedding.table = m.embedding.data_ptr();
        embedding.type = typeOf(m.embedding);
        embedding.positions = floats(m.positionTable);
        embedding.offset = static_cast<int>(m.config.learnedOffset);
        embedding.width = static_cast<int>(m.config.hidden);
        embedding.scale = static_cast<float>(m.config.embeddingScale);
        enqueue([&] { return gpuStepEmbed(embedding, state, m_hidden.data_ptr<float>(), m_launch); });
        if (m.embeddingNorm.kind())
            value(normOf(m.embeddingNorm, m_hidden), m.config.hidden, {nullptr, nullptr, m_hidden.data_ptr<float>()});
        if (m_chain)
            enqueue([&] { return gpuChainRun(*m_chain, m_chainMemory.data_ptr(), m_launch.stream); });
        for (std::size_t i = 0; i < m.blocks.size() && !m_chain; ++i)
            recordBlock(m.blocks[i], m_caches[i]);
        recordHead();
        enqueue([&] {
            return gpuStepPick(m_logits.data_ptr<float>(), m.head.N, m_state.data_ptr<std::int32_t>(), m_token.get(),
                               m_launch);
        });
    }
    void record()
    {
        const std::size_t first = m_place;
        m_rehearsing = true;
        recordAll();
        m_rehearsing = false;
        m_place = first;
        expectOk(m_graph.beginRecording());
        try {
            recordAll();
        } catch (...) {
            m_graph.endRecording();
            throw;
        }
        expectOk(m_graph.endRecording());
    }

    std::shared_ptr<const StepModel> m_model;
    std::vector<KvCache>& m_caches;
    std::unique_ptr<std::int32_t, FreeMapped> m_token;
    GpuGraph m_graph;
    StepLaunch m_launch;
    std::int32_t m_next = -1; ///< position in the device's state
    at::Tensor m_state, m_hidden, m_normed, m_branch, m_attention, m_mixed, m_inner, m_turned, m_product, m_logits;
    at::Tensor m_attentionScratch;
    GpuBuffers m_buffers;
    PositionCodes m_codes;
    std::vector<at::Tensor> m_memory, m_kept;
    std::size_t m_place = 0;
    std::optional<GpuChain> m_chain;
    at::Tensor m_chainMemory;
    bool m_rehearsing = false;
};

} // namespace

std::unique_ptr<DecodeStep> DecodeStep::create(std::shared_ptr<const StepModel> model, std::vector<KvCache>& caches,
                                               std::string* why)
{
    std::string obstacle;
    if (!model || !model->device.is_cuda() || caches.empty())
        obstacle = "the model is not on a device, or has linears of another kind";
    else
        obstacle = stepObstacle(model->config, caches.front().keys.size(1)).value_or("");
    if (obstacle.empty()) {
        try {
            return std::make_unique<GpuDecodeStep>(std::move(model), caches);
        } catch (const std::exception& error) {
            obstacle = error.what();
        }
    }
    if (why)
        *why = obstacle;
    return nullptr;
}

} // namespace sa
