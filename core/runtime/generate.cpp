// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/runtime/generate.h"

#include "core/model/decode_step.h"

#include <ATen/ATen.h>
#include <algorithm>
#include <chrono>
#include <random>

namespace sa
{

namespace
{

double secondsSince(std::chrono::steady_clock::time_point start)
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

class Sampler
{
public:
    explicit Sampler(const SamplerOptions& options)
        : m_options(options)
        , m_random(options.seed)
    {
    }

    bool greedy() const { return m_options.greedy || m_options.temperature == 0.0; }

    /// logits: f32 [vocab]
    std::int32_t pick(const at::Tensor& logits)
    {
        if (greedy())
            return static_cast<std::int32_t>(logits.argmax().item<std::int64_t>());
        const at::Tensor probabilities = at::softmax(logits.to(at::kCPU, at::kDouble) / m_options.temperature, -1);
        const auto [sorted, order] = probabilities.sort(/*dim=*/-1, /*descending=*/true);
        const auto* p = sorted.data_ptr<double>();
        std::int64_t kept = 0;
        double mass = 0.0;
        while (kept < sorted.numel() && (kept == 0 || mass < m_options.topP))
            mass += p[kept++];
        // 53 random bits make the same uniform number on every machine; the standard distributions do not promise that.
        double left = static_cast<double>(m_random() >> 11) * 0x1.0p-53 * mass;
        std::int64_t chosen = 0;
        while (chosen + 1 < kept && left >= p[chosen])
            left -= p[chosen++];
        return static_cast<std::int32_t>(order[chosen].item<std::int64_t>());
    }

private:
    SamplerOptions m_options;
    std::mt19937_64 m_random;
};

} // namespace

Result<void> checkPrompt(const ModelConfig& config, const std::vector<std::int32_t>& prompt, std::int64_t more)
{
    const auto length = static_cast<std::int64_t>(prompt.size());
    if (length == 0)
        return makeError(Errc::BadInput, "the prompt is empty").wanted("at least one token");
    if (length + more > config.positions)
        return makeError(Errc::BadInput, "the prompt is longer than the model's context")
            .butFound(std::to_string(length) + " tokens")
            .wanted("fewer than " + std::to_string(std::max<std::int64_t>(0, config.positions - more + 1)));
    return config.checkIds(prompt);
}

std::int64_t bytesOf(const std::vector<KvCache>& caches)
{
    std::int64_t sum = 0;
    for (const KvCache& cache : caches)
        sum += static_cast<std::int64_t>(cache.keys.nbytes() + cache.values.nbytes());
    return sum;
}

Result<Generation> generate(const Decoder& decoder, const std::vector<std::int32_t>& prompt, int maxTokens,
                            const SamplerOptions& options, const CancelToken& cancel,
                            const std::function<bool(const TokenStep&)>& onToken)
{
    const ModelConfig& config = decoder.config();
    SA_CHECK(checkPrompt(config, prompt, 1));
    const auto promptLength = static_cast<std::int64_t>(prompt.size());
    const std::int64_t capacity = std::min(config.positions, promptLength + maxTokens);
    auto caches = decoder.makeCaches(capacity);
    Sampler sampler(options);
    Generation out;
    out.cacheBytes = bytesOf(caches);

    const auto start = std::chrono::steady_clock::now();
    at::Tensor state = decoder.hidden(prompt, &caches);
    at::Tensor logits = decoder.logits(state.slice(0, promptLength - 1)).squeeze(0);
    out.prefillSeconds = secondsSince(start);

    const auto decodeStart = std::chrono::steady_clock::now();
    std::unique_ptr<DecodeStep> step; // made for the second token, if there is one
    while (static_cast<int>(out.ids.size()) < maxTokens) {
        SA_CHECK(cancel.check());
        const std::int32_t id = step && sampler.greedy() ? step->likeliest() : sampler.pick(logits);
        out.ids.push_back(id);
        out.stoppedByCaller = !onToken(describeStep(logits, id, options.topLogged));
        if (out.ids.size() == 1)
            out.firstTokenSeconds = secondsSince(start);
        out.stoppedByEos = std::find(config.eosIds.begin(), config.eosIds.end(), id) != config.eosIds.end();
        if (out.stoppedByEos || out.stoppedByCaller || static_cast<int>(out.ids.size()) == maxTokens ||
            caches.front().length == capacity)
            break;
        if (out.ids.size() == 1)
            step = DecodeStep::create(decoder.stepModel(), caches);
        logits = step ? step->run(id) : decoder.logits(decoder.hidden(std::span(&id, 1), &caches)).squeeze(0);
    }
    const auto steps = static_cast<double>(out.ids.size()) - 1;
    const double seconds = secondsSince(decodeStart);
    out.tokensPerSecond = steps > 0 && seconds > 0 ? steps / seconds : 0.0;
    return out;
}

} // namespace sa
