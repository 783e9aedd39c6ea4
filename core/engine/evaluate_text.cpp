// SPDX-License-Identifier: GPL-3.0-or-later
// Perplexity of a text, and divergence from the original on it (docs/evaluation.md).
#include "core/base/sha256.h"
#include "core/engine/evaluation.h"
#include "core/engine/progress.h"
#include "core/eval/divergence.h"
#include "core/eval/text.h"

#include <cmath>
#include <filesystem>
#include <unistd.h>

namespace sa
{

namespace
{

constexpr std::int64_t kNoiseWindows = 16; ///< the noise floor needs no long text

/// A folder for what cannot be kept, removed at the end.
class TemporaryFolder
{
public:
    static Result<TemporaryFolder> create()
    {
        std::error_code failed;
        std::string name = (std::filesystem::temp_directory_path(failed) / "shiftadd-eval-XXXXXX").string();
        if (failed || !::mkdtemp(name.data()))
            return systemError(errno, "create a folder in", name);
        return TemporaryFolder(name);
    }
    TemporaryFolder(TemporaryFolder&& other) noexcept
        : m_path(std::move(other.m_path))
    {
        other.m_path.clear();
    }
    TemporaryFolder& operator=(TemporaryFolder&&) = delete;
    ~TemporaryFolder()
    {
        std::error_code ignored;
        if (!m_path.empty())
            std::filesystem::remove_all(m_path, ignored);
    }
    const std::string& path() const { return m_path; }

private:
    explicit TemporaryFolder(std::string path)
        : m_path(std::move(path))
    {
    }
    std::string m_path;
};

Json intervalJson(const Interval& interval)
{
    return {{"value", finiteOrNull(interval.value)},
            {"low", finiteOrNull(interval.low)},
            {"high", finiteOrNull(interval.high)}};
}

Json bucketsJson(const std::vector<DivergenceBucket>& buckets)
{
    Json out = Json::array();
    for (const auto& bucket : buckets)
        out.push_back({{"from", bucket.from},
                       {"to", bucket.to},
                       {"tokens", bucket.tokens},
                       {"mean", finiteOrNull(bucket.mean)},
                       {"top1_agreement", finiteOrNull(bucket.agreement)}});
    return out;
}

Json divergenceJson(const Divergence& d)
{
    return {{"mean", intervalJson(d.mean)},
            {"median", finiteOrNull(d.median)},
            {"p90", finiteOrNull(d.p90)},
            {"p99", finiteOrNull(d.p99)},
            {"p999", finiteOrNull(d.p999)},
            {"max", finiteOrNull(d.max)},
            {"top1_agreement", intervalJson(d.agreement)},
            {"perplexity_ratio", intervalJson(d.ratio)},
            {"reference_perplexity", finiteOrNull(d.referencePerplexity)},
            {"delta_p_mean", finiteOrNull(d.deltaMean)},
            {"delta_p_rms", finiteOrNull(d.deltaRms)},
            {"by_confidence", bucketsJson(d.byConfidence)},
            {"histogram", bucketsJson(d.histogram)},
            {"tokens", d.tokens},
            {"windows", d.windows}};
}

/// Progress of one pass over the windows, as events.
ScoringProgress progressOf(std::optional<ProgressMeter>& meter, const JobContext& context, const char* step)
{
    ScoringProgress progress;
    progress.update = [&meter, &context, step](std::int64_t done, std::int64_t of) {
        if (!meter)
            meter.emplace(context.emit, "evaluate", "windows", static_cast<double>(of));
        meter->update(static_cast<double>(done), step);
    };
    return progress;
}

/// Everything about the text that kept results depend on; tokens stand for text, join and tokenizer.
Json textIdentity(const std::vector<std::int32_t>& ids, const EvaluateSpec& spec)
{
    const auto bytes = std::as_bytes(std::span(ids));
    Sha256 hash;
    hash.update(bytes);
    return {{"tokens_sha256", hash.hex()},
            {"seqlen", spec.seqlen},
            {"windows_per_chunk", kWindowsPerChunk},
            {"device", arithmeticOf(spec)},
            {"format", kEvaluationFormat}};
}

Result<void> checkPair(const EvaluatedModel& model, const EvaluatedModel& original, const std::string& text,
                       const std::vector<std::int32_t>& ids)
{
    const auto differ = [&](const char* what) {
        return makeError(Errc::BadInput, std::string("the two models do not have the same ") + what)
            .in(original.folder().path)
            .at("kld_against")
            .tryThis("Divergence is measured from the model that was quantized");
    };
    if (model.config().vocab != original.config().vocab)
        return differ("vocabulary")
            .butFound(std::to_string(original.config().vocab))
            .wanted(std::to_string(model.config().vocab));
    if (original.tokenizer().encode(text) != ids)
        return differ("tokenizer");
    return {};
}

class TextEvaluation
{
public:
    TextEvaluation(const EvaluateSpec& spec, EvaluatedModel& model, const JobContext& context)
        : m_spec(spec)
        , m_model(model)
        , m_context(context)
        , m_cache(cacheFolder(spec))
    {
    }

    Result<Json> run()
    {
        SA_TRY(std::string text, readText(m_spec.text));
        if (m_spec.join == "raw")
            text = joinRawLines(text);
        SA_CHECK(checkLength(m_model));
        m_ids = m_model.tokenizer().encode(text, true, &m_context.cancel);
        SA_CHECK(m_context.cancel.check());
        SA_CHECK(m_model.config().checkIds(m_ids));
        auto windows = TextWindows::of(m_ids, m_spec.seqlen, m_spec.maxWindows);
        if (!windows)
            return std::move(windows).error().in(m_spec.text);
        m_windows = *windows;
        m_textIdentity = textIdentity(m_ids, m_spec);

        std::optional<TemporaryFolder> temporary;
        std::optional<ReferenceStates> reference;
        Json noise;
        std::string stateFolder = m_cache.value_or("");
        if (!m_spec.reference.empty()) {
            if (!m_cache) {
                SA_TRY(TemporaryFolder made, TemporaryFolder::create());
                temporary.emplace(std::move(made));
                stateFolder = temporary->path();
            }
            SA_CHECK(prepareReference(text, stateFolder, reference, noise));
        }
        return score(reference ? &*reference : nullptr, noise);
    }

private:
    Result<void> checkLength(const EvaluatedModel& model) const
    {
        if (m_spec.seqlen > model.config().positions)
            return makeError(Errc::Usage, "the window is longer than the model's context")
                .at("seqlen")
                .butFound(std::to_string(m_spec.seqlen))
                .wanted("at most " + std::to_string(model.config().positions));
        return {};
    }

    /// Runs the original over the windows where that was not done before, and leaves nothing of it but its head.
    Result<void> prepareReference(const std::string& text, const std::string& folder,
                                  std::optional<ReferenceStates>& reference, Json& noise)
    {
        SA_TRY(EvaluatedModel original, EvaluatedModel::open(m_spec.reference, m_spec, m_context));
        SA_CHECK(checkLength(original));
        SA_CHECK(checkPair(m_model, original, text, m_ids));
        m_referenceIdentity = original.identity();
        const ChunkCache states(folder, "states",
                                {{"what", "states behind the last block, f32 [windows][seqlen-1][hidden]"},
                                 {"model", original.identity()},
                                 {"text", m_textIdentity}});
        std::optional<ProgressMeter> meter;
        ScoringProgress progress = progressOf(meter, m_context, "original");
        SA_CHECK(keepStates([&] { return original.decoder(); }, original.config().hidden, m_windows, states,
                            m_context.cancel, progress));
        SA_TRY(Embeddings head, Embeddings::load(original.folder(), original.device()));
        reference.emplace(ReferenceStates{std::move(head), original.config().hidden, states});
        if (m_spec.noiseFloor) {
            SA_TRY(noise, noiseFloor(original, *reference));
        }
        return {};
    }

    Result<Json> noiseFloor(EvaluatedModel& original, const ReferenceStates& reference)
    {
        TextWindows windows = m_windows;
        windows.count = std::min(windows.count, kNoiseWindows);
        const ChunkCache kept(m_cache, "noise",
                              {{"what", "scores of the original in float16 beside itself in float32"},
                               {"model", original.identity()},
                               {"text", m_textIdentity}});
        std::optional<ProgressMeter> meter;
        ScoringProgress progress = progressOf(meter, m_context, "noise floor");
        SA_TRY(const auto scores, scoreWindows([&] { return original.halfDecoder(); }, windows, &reference, kept,
                                               m_context.cancel, progress));
        const Divergence d = divergenceOf(scores, m_spec.seqlen);
        return Json{{"mean", intervalJson(d.mean)},
                    {"median", finiteOrNull(d.median)},
                    {"p99", finiteOrNull(d.p99)},
                    {"max", finiteOrNull(d.max)},
                    {"top1_agreement", intervalJson(d.agreement)},
                    {"windows", d.windows}};
    }

    Result<Json> score(const ReferenceStates* reference, const Json& noise)
    {
        Json identity{{"what", "token scores"}, {"model", m_model.identity()}, {"text", m_textIdentity}};
        if (reference)
            identity["reference"] = m_referenceIdentity;
        const ChunkCache kept(m_cache, "scores", identity);
        const Stopwatch watch;
        std::optional<ProgressMeter> meter;
        ScoringProgress progress = progressOf(meter, m_context, "");
        SA_TRY(const auto scores,
               scoreWindows([&] { return m_model.decoder(); }, m_windows, reference, kept, m_context.cancel, progress));
        const double seconds = watch.seconds();
        const Interval perplexity = perplexityOf(scores, m_spec.seqlen);
        Json out{{"perplexity", finiteOrNull(perplexity.value)},
                 {"perplexity_low", finiteOrNull(perplexity.low)},
                 {"perplexity_high", finiteOrNull(perplexity.high)},
                 {"tokens", m_ids.size()},
                 {"windows", m_windows.count},
                 {"cached_windows", m_windows.count - progress.computed},
                 {"seconds", seconds},
                 {"tokens_per_second", progress.computed > 0
                                           ? Json(static_cast<double>(progress.computed * m_spec.seqlen) / seconds)
                                           : Json()}};
        if (reference) {
            out["divergence"] = divergenceJson(divergenceOf(scores, m_spec.seqlen));
            out["divergence"]["noise_floor"] = noise;
        }
        return out;
    }

    const EvaluateSpec& m_spec;
    EvaluatedModel& m_model;
    const JobContext& m_context;
    std::optional<std::string> m_cache;
    std::vector<std::int32_t> m_ids;
    TextWindows m_windows;
    Json m_textIdentity, m_referenceIdentity;
};

} // namespace

Result<Json> evaluateText(const EvaluateSpec& spec, EvaluatedModel& model, const JobContext& context)
{
    return TextEvaluation(spec, model, context).run();
}

} // namespace sa
