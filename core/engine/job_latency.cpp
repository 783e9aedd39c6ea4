// SPDX-License-Identifier: GPL-3.0-or-later
// `latency`: how long prompts and tokens take, of one model or of two in turns, batch 1.
#include "core/base/memory_use.h"
#include "core/base/parallel.h"
#include "core/engine/cost_report.h"
#include "core/engine/loaded_model.h"
#include "core/engine/power_meter.h"
#include "core/engine/progress.h"
#include "core/eval/statistics.h"
#include "core/model/decode_step.h"
#include "core/runtime/generate.h"

#include <algorithm>
#include <cmath>
#include <memory>

namespace sa
{

namespace
{

/// Median and spread of repeated times; the list itself goes along, so that nobody has to believe the summary.
Json spreadOf(const std::vector<double>& values)
{
    std::vector<float> sorted(values.begin(), values.end());
    std::sort(sorted.begin(), sorted.end());
    const auto at = [&](double p) { return sorted.empty() ? Json() : Json(quantileOfSorted(sorted, p)); };
    return {{"median", at(0.5)}, {"low", at(0.25)}, {"high", at(0.75)},
            {"min", at(0.0)},    {"max", at(1.0)},  {"values", values}};
}

struct Series {
    std::vector<double> prefill, firstToken, decode; ///< seconds; decode: of one token
    std::vector<double> prefillJoules, decodeJoules; ///< decode: of one token
    std::int64_t cacheBytes = 0;
};

struct Candidate {
    std::string path;
    std::unique_ptr<LoadedModel> model;
    std::vector<Series> series; ///< by length
    std::uint64_t scratchBytes = 0;
    Json calculated; ///< cost of a token, after the longest prompt
};

class LatencyRun
{
public:
    LatencyRun(const LatencySpec& spec, const JobContext& context)
        : m_spec(spec)
        , m_context(context)
        , m_power(openPowerMeter(spec.device))
    {
    }

    Result<Json> run()
    {
        SA_CHECK(load(m_spec.model));
        if (!m_spec.against.empty())
            SA_CHECK(load(m_spec.against));
        const int rounds = m_spec.warmup + m_spec.repeats;
        ProgressMeter meter(m_context.emit, "evaluate", "runs",
                            static_cast<double>(m_spec.lengths.size() * m_models.size()) * rounds);
        double done = 0;
        // Models alternate within a round: whatever the machine does meanwhile happens to both.
        for (std::size_t length = 0; length < m_spec.lengths.size(); ++length)
            for (int round = 0; round < rounds; ++round)
                for (Candidate& candidate : m_models) {
                    meter.update(done++, std::to_string(m_spec.lengths[length]) + " tokens");
                    SA_CHECK(measure(candidate, length, round >= m_spec.warmup));
                }
        meter.update(done);
        return result();
    }

private:
    Result<void> load(const std::string& path)
    {
        SA_TRY(LoadedModel model,
               LoadedModel::load(path, m_spec.threads, m_spec.device, m_spec.cpuPrecision, m_context));
        const std::int64_t positions = model.decoder.config().positions;
        for (const int length : m_spec.lengths)
            if (length + m_spec.decode > positions)
                return makeError(Errc::Usage, "prompt and decoded tokens are longer than the model's context")
                    .in(path)
                    .at("lengths")
                    .butFound(std::to_string(length) + " + " + std::to_string(m_spec.decode))
                    .wanted("at most " + std::to_string(positions));
        SA_TRY(Json calculated, costAtTheEnd(path));
        m_models.push_back({path, std::make_unique<LoadedModel>(std::move(model)),
                            std::vector<Series>(m_spec.lengths.size()), 0, std::move(calculated)});
        return {};
    }

    Result<Json> costAtTheEnd(const std::string& path) const
    {
        SA_TRY(const ModelFolder model, ModelFolder::open(path));
        CostOptions options;
        options.context = *std::max_element(m_spec.lengths.begin(), m_spec.lengths.end()) + m_spec.decode;
        SA_TRY(const CostReport cost,
               CostReport::create(model, model.packed() ? &*model.quantization : nullptr, options));
        return cost.ofFolder();
    }

    /// Any ids do: time does not depend on them. End tokens are passed over, so that all decode as long.
    static std::vector<std::int32_t> promptOf(int length, const ModelConfig& config)
    {
        std::vector<std::int32_t> ids;
        for (int i = 0; i < length; ++i)
            ids.push_back(static_cast<std::int32_t>((std::int64_t{7919} * (i + 1)) % config.vocab));
        return ids;
    }

    double joules() { return m_power ? m_power->joules().value_or(std::nan("")) : std::nan(""); }

    Result<void> measure(Candidate& candidate, std::size_t length, bool counts)
    {
        SA_CHECK(m_context.cancel.check());
        const Decoder& decoder = candidate.model->decoder;
        const auto prompt = promptOf(m_spec.lengths[length], decoder.config());
        const MemoryUse before = memoryUse();
        resetPeakMemory();
        auto caches = decoder.makeCaches(static_cast<std::int64_t>(prompt.size()) + m_spec.decode);

        const auto step = DecodeStep::create(decoder.stepModel(), caches);

        const double joulesAtStart = joules();
        const Stopwatch watch;
        const at::Tensor states = decoder.hidden(prompt, &caches);
        std::int32_t id = greedy(decoder.logits(states.slice(0, states.size(0) - 1)));
        const double prefill = watch.seconds(), joulesAfterPrefill = joules();
        for (int i = 1; i < m_spec.decode; ++i) {
            SA_CHECK(m_context.cancel.check());
            if (step)
                step->run(id);
            id = step ? step->likeliest() : greedy(decoder.logits(decoder.hidden(std::span(&id, 1), &caches)));
        }
        const double seconds = watch.seconds(), joulesAtEnd = joules();
        const auto peak = memoryUse().peakBytes;
        const auto cacheBytes = bytesOf(caches);
        if (peak > before.residentBytes + static_cast<std::uint64_t>(cacheBytes))
            candidate.scratchBytes =
                std::max(candidate.scratchBytes, peak - before.residentBytes - static_cast<std::uint64_t>(cacheBytes));
        if (!counts)
            return {};
        Series& series = candidate.series[length];
        const int steps = m_spec.decode - 1;
        series.cacheBytes = cacheBytes;
        series.prefill.push_back(prefill);
        if (steps > 0)
            series.decode.push_back((seconds - prefill) / steps);
        if (std::isfinite(joulesAfterPrefill - joulesAtStart))
            series.prefillJoules.push_back(joulesAfterPrefill - joulesAtStart);
        if (steps > 0 && std::isfinite(joulesAtEnd - joulesAfterPrefill))
            series.decodeJoules.push_back((joulesAtEnd - joulesAfterPrefill) / steps);
        return {};
    }

    /// Waits for the device: the number has to be on the host.
    static std::int32_t greedy(const at::Tensor& logits)
    {
        return static_cast<std::int32_t>(logits.argmax().item<std::int64_t>());
    }

    Json result() const
    {
        Json models = Json::array();
        for (const Candidate& candidate : m_models) {
            const Decoder& decoder = candidate.model->decoder;
            Json lengths = Json::array();
            std::int64_t cacheBytes = 0;
            for (std::size_t i = 0; i < candidate.series.size(); ++i) {
                const Series& series = candidate.series[i];
                cacheBytes = std::max(cacheBytes, series.cacheBytes);
                // Of a greedy choice the first token is there when the prefill's logits are.
                lengths.push_back({{"prompt_tokens", m_spec.lengths[i]},
                                   {"prefill_seconds", spreadOf(series.prefill)},
                                   {"first_token_seconds", spreadOf(series.prefill)},
                                   {"decode_seconds_per_token", spreadOf(series.decode)},
                                   {"cache_bytes", series.cacheBytes},
                                   {"prefill_joules", orNull(series.prefillJoules)},
                                   {"decode_joules_per_token", orNull(series.decodeJoules)}});
            }
            models.push_back({{"model", candidate.path},
                              {"lengths", lengths},
                              {"calculated", candidate.calculated},
                              {"memory",
                               {{"linear_bytes", decoder.blockWeightBytes()},
                                {"embedding_bytes", decoder.embeddings().weightBytes()},
                                {"cache_bytes", cacheBytes},
                                {"scratch_bytes", candidate.scratchBytes}}}});
        }
        return {{"models", models},
                {"decode_tokens", m_spec.decode},
                {"repeats", m_spec.repeats},
                {"warmup", m_spec.warmup},
                {"device", m_spec.device},
                {"threads", parallelThreads()},
                {"energy_source", m_power ? Json(m_power->source()) : Json()}};
    }
    static Json orNull(const std::vector<double>& values) { return values.empty() ? Json() : spreadOf(values); }

    const LatencySpec& m_spec;
    const JobContext& m_context;
    std::unique_ptr<PowerMeter> m_power;
    std::vector<Candidate> m_models;
};

} // namespace

Result<Json> measureLatency(const LatencySpec& spec, const JobContext& context)
{
    return LatencyRun(spec, context).run();
}

} // namespace sa
