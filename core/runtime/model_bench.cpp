// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/runtime/model_bench.h"

#include "core/bench/random_planes.h"
#include "core/model/decode_step.h"
#include "sa/kernels/gpu_step.h"

#include <ATen/ATen.h>
#include <chrono>
#include <map>

namespace sa
{

namespace
{

using namespace kernels;

using Clock = std::chrono::steady_clock;
double secondsSince(Clock::time_point start)
{
    return std::chrono::duration<double>(Clock::now() - start).count();
}

Error failed(const std::string& why)
{
    return makeError(why.find("out of memory") == std::string::npos ? Errc::Device : Errc::OutOfMemory,
                     "the model could not be measured on this device")
        .butFound(why);
}

std::vector<KvCache> randomCaches(const ModelConfig& c, at::Device device, const ModelBenchRequest& request)
{
    const auto options = at::TensorOptions().dtype(at::kFloat).device(device);
    std::vector<KvCache> caches;
    for (std::int64_t i = 0; i < c.layers; ++i) {
        const std::int64_t capacity = request.context + request.decode + 1;
        caches.push_back({at::empty({c.kvHeads, capacity, c.headDim}, options).normal_(),
                          at::empty({c.kvHeads, capacity, c.headDim}, options).normal_(), 0});
    }
    return caches;
}

void rewind(std::vector<KvCache>& caches, std::int64_t length)
{
    for (KvCache& cache : caches)
        cache.length = length;
}

Result<ModelBenchRow> timeStep(std::shared_ptr<const StepModel> model, const ModelBenchRequest& request,
                               const CancelToken& cancel)
{
    ModelBenchRow row;
    row.planeBytes = model->planeBytes();
    row.denseBytes = model->denseBytes();
    auto caches = randomCaches(model->config, model->device, request);
    row.deviceBytes = model->residentBytes();
    for (const KvCache& cache : caches)
        row.deviceBytes += static_cast<std::int64_t>(cache.keys.nbytes() + cache.values.nbytes());
    std::string why;
    const auto step = DecodeStep::create(model, caches, &why);
    if (!step)
        return failed(why);
    std::vector<double> device, loop;
    constexpr int kWarmUps = 2;
    for (int i = 0; i < kWarmUps + request.repeats; ++i) {
        SA_CHECK(cancel.check());
        rewind(caches, request.context);
        step->run(1);
        const double seconds = step->time(request.decode) / request.decode;
        rewind(caches, request.context);
        step->run(1);
        const auto start = Clock::now();
        for (int t = 0; t < request.decode; ++t)
            step->run(step->likeliest());
        if (i >= kWarmUps) {
            device.push_back(seconds);
            loop.push_back(secondsSince(start) / request.decode);
        }
    }
    row.token = timingOf(std::move(device));
    row.loop = timingOf(std::move(loop));
    return row;
}

/// Random planes as an encoder could have written them; the first of a shape is made here, its copies on the device.
class RandomPlanesOnDevice
{
public:
    RandomPlanesOnDevice(const RandomModel& model, const GpuInfo& info, at::Device device, std::uint64_t seed)
        : m_model(model)
        , m_info(info)
        , m_device(device)
        , m_seed(seed)
    {
    }

    Result<StepProduct> make(const std::vector<int>& rows, int K)
    {
        std::vector<int> key = rows;
        key.push_back(K);
        auto& first = m_first[key];
        if (!first) {
            SA_TRY(first, firstOf(rows, K));
        }
        auto planes = std::make_shared<GpuPlanes>(*first);
        planes->bytes = first->bytes.clone();
        planes->bytes
            .narrow(0, static_cast<std::int64_t>(first->image.planes),
                    static_cast<std::int64_t>(first->image.planeBytes))
            .random_();
        StepProduct out;
        out.N = planes->image.N;
        out.K = K;
        out.planes = std::move(planes);
        return out;
    }

private:
    Result<std::shared_ptr<const GpuPlanes>> firstOf(const std::vector<int>& rows, int K)
    {
        auto planes = std::make_shared<GpuPlanes>();
        std::vector<RandomWeight> weights;
        std::vector<SignPlanes> views;
        for (const int N : rows) {
            ShapeCase shape{N, K, m_model.bits, 0, m_model.C, 1};
            shape.R = std::min(N, m_model.groupRows.value_or(m_model.C == 1 ? N : (N + 7) / 8));
            weights.emplace_back(shape, m_seed++);
            const int rowBegin = planes->parts.empty() ? 0 : planes->parts.back().rowBegin + planes->parts.back().N;
            planes->parts.push_back({rowBegin, N, {}, {}});
        }
        for (const RandomWeight& weight : weights)
            views.push_back(weight.view());
        const auto count = static_cast<int>(views.size());
        Status status = gpuImage(views.data(), count, m_info, GpuPath::Auto, {}, planes->image);
        if (status != Status::Ok)
            return failed(name(status));
        at::Tensor host = at::zeros({static_cast<std::int64_t>(planes->image.bytes)}, at::kByte);
        status = gpuImageWrite(views.data(), count, planes->image, host.data_ptr());
        if (status != Status::Ok)
            return failed(name(status));
        planes->bytes = host.to(m_device);
        planes->overlapped = m_info.architecture >= 90;
        return std::shared_ptr<const GpuPlanes>(std::move(planes));
    }

    const RandomModel& m_model;
    GpuInfo m_info;
    at::Device m_device;
    std::uint64_t m_seed;
    std::map<std::vector<int>, std::shared_ptr<const GpuPlanes>> m_first;
};

/// Weights of a model in order, none of them from a file.
class RandomStepModel
{
public:
    RandomStepModel(const RandomModel& model, const GpuInfo& info, std::uint64_t seed)
        : m_random(model)
        , m_config(model.config)
        , m_device(at::kCUDA, static_cast<at::DeviceIndex>(info.index))
        , m_planes(model, info, m_device, seed)
    {
    }

    Result<StepModel> make()
    {
        const ModelConfig& c = m_config;
        StepModel out;
        out.config = c;
        out.device = m_device;
        out.embedding = halves(c.vocab, c.hidden);
        out.head.weight = c.tiedHead ? out.embedding : halves(c.vocab, c.hidden);
        out.head.N = static_cast<int>(c.vocab);
        out.head.K = static_cast<int>(c.hidden);
        if (c.positionScheme == PositionScheme::Learned)
            out.positionTable = floats({c.positions + c.learnedOffset, c.hidden});
        if (c.embeddingNorm)
            out.embeddingNorm = norm(c.hidden);
        if (c.finalNorm)
            out.finalNorm = norm(c.hidden);
        out.positions = std::make_shared<PositionEncoder>(c, m_device);
        for (int i = 0; i < c.layers; ++i) {
            StepBlock block;
            block.shape = DecoderBlock::shapeOf(c, i);
            const auto named = [&](std::string_view name, std::int64_t width) {
                return name.empty() ? Norm() : norm(width);
            };
            block.norms = {named(c.names.attentionNorm, c.hidden), named(c.names.attentionPostNorm, c.hidden),
                           named(c.names.mlpNorm, c.hidden),       named(c.names.mlpPostNorm, c.hidden),
                           named(c.names.queryNorm, c.headDim),    named(c.names.keyNorm, c.headDim)};
            for (int input = 0; input < kLinearInputs; ++input) {
                SA_TRY(auto product, productOf(linearLayersReading(c, i, static_cast<LinearInput>(input))));
                block.products[static_cast<std::size_t>(input)].push_back(std::move(product));
            }
            out.blocks.push_back(std::move(block));
        }
        return out;
    }

private:
    at::TensorOptions options() const { return at::TensorOptions().dtype(at::kFloat).device(m_device); }
    at::Tensor floats(at::IntArrayRef sizes) const { return at::empty(sizes, options()).normal_(0.0, 0.02); }
    at::Tensor halves(std::int64_t rows, std::int64_t columns) const
    {
        return at::empty({rows, columns}, options().dtype(at::kHalf)).normal_(0.0, 0.02);
    }
    Norm norm(std::int64_t width) const
    {
        const bool layer = m_config.norm == NormKind::Layer;
        return {m_config.norm, m_config.normEpsilon, at::ones({width}, options()),
                layer ? at::zeros({width}, options()) : at::Tensor()};
    }
    Result<StepProduct> productOf(const std::vector<LinearInfo>& layers)
    {
        std::vector<int> rows;
        std::int64_t all = 0;
        bool biased = false;
        for (const LinearInfo& layer : layers) {
            rows.push_back(static_cast<int>(layer.N));
            all += layer.N;
            biased = biased || layer.bias;
        }
        const auto K = static_cast<int>(layers.front().K);
        StepProduct out;
        if (m_random.bits > 0) {
            SA_TRY(out, m_planes.make(rows, K));
        } else {
            out.N = static_cast<int>(all);
            out.K = K;
            out.weight = halves(all, K);
        }
        if (biased)
            out.bias = at::zeros({all}, options());
        return out;
    }

    const RandomModel& m_random;
    const ModelConfig& m_config;
    at::Device m_device;
    RandomPlanesOnDevice m_planes;
};

/// ||logits of the step - logits of the ordinary path|| / ||logits||, the worst of some tokens behind a prompt; nothing
/// where there is no step.
std::optional<double> disagreement(const Decoder& decoder)
{
    constexpr std::int64_t kPrompt = 11, kTokens = 8;
    const std::int64_t vocab = decoder.config().vocab;
    std::vector<std::int32_t> prompt;
    for (std::int64_t i = 1; i <= kPrompt; ++i)
        prompt.push_back(static_cast<std::int32_t>(7919 * i % vocab));
    std::vector<KvCache> caches[2] = {decoder.makeCaches(kPrompt + kTokens), decoder.makeCaches(kPrompt + kTokens)};
    for (auto& own : caches)
        decoder.hidden(prompt, &own);
    const auto step = DecodeStep::create(decoder.stepModel(), caches[0]);
    if (!step)
        return std::nullopt;
    double worst = 0;
    for (std::int64_t i = 0; i < kTokens; ++i) {
        const auto id = static_cast<std::int32_t>(104729 * (i + 1) % vocab);
        const at::Tensor own = step->run(id).to(at::kDouble);
        const at::Tensor truth =
            decoder.logits(decoder.hidden(std::span(&id, 1), &caches[1])).squeeze(0).to(at::kDouble);
        const double error = ((own - truth).norm() / truth.norm()).item<double>();
        worst = error <= worst ? worst : error; // NaN stays
    }
    return worst;
}

} // namespace

Result<ModelBenchRow> randomModelBench(int index, const RandomModel& model, const ModelBenchRequest& request,
                                       const CancelToken& cancel)
{
    GpuInfo info;
    if (gpuInfo(index, info) != Status::Ok)
        return failed(gpuLastError());
    try {
        RandomStepModel random(model, info, request.seed);
        SA_TRY(StepModel made, random.make());
        SA_TRY(ModelBenchRow row, timeStep(std::make_shared<const StepModel>(std::move(made)), request, cancel));
        row.name = model.bits > 0 ? std::to_string(model.bits) + " planes" : std::string("float16");
        return row;
    } catch (const std::exception& error) {
        return failed(error.what());
    }
}

Result<std::vector<ModelBenchRow>> decoderBench(const Decoder& decoder, const ModelBenchRequest& request,
                                                const CancelToken& cancel)
{
    std::vector<ModelBenchRow> rows;
    const auto error = disagreement(decoder);
    if (error && !(*error <= 1e-3))
        return makeError(Errc::Internal, "the decode step is wrong, nothing was timed")
            .butFound("a relative error of " + std::to_string(*error))
            .wanted("at most 1e-3");
    if (const auto model = decoder.stepModel(); model && error) {
        if (auto row = timeStep(model, request, cancel)) {
            row->name = "decode step";
            row->error = error;
            rows.push_back(std::move(*row));
        } else if (row.error().code == Errc::Cancelled) {
            return std::move(row).error();
        }
    }
    ModelBenchRow ordinary;
    ordinary.name = "ordinary path";
    if (!rows.empty()) {
        ordinary.planeBytes = rows.front().planeBytes;
        ordinary.denseBytes = rows.front().denseBytes;
    }
    auto caches = randomCaches(decoder.config(), decoder.device(), request);
    std::vector<double> seconds;
    for (int i = 0; i < 1 + request.repeats; ++i) {
        rewind(caches, request.context);
        std::int32_t id = 1;
        const auto start = Clock::now();
        for (int t = 0; t < request.decode; ++t) {
            SA_CHECK(cancel.check());
            const at::Tensor logits = decoder.logits(decoder.hidden(std::span(&id, 1), &caches));
            id = static_cast<std::int32_t>(logits.argmax().item<std::int64_t>());
        }
        if (i > 0)
            seconds.push_back(secondsSince(start) / request.decode);
    }
    ordinary.loop = timingOf(std::move(seconds));
    rows.push_back(std::move(ordinary));
    return rows;
}

} // namespace sa
