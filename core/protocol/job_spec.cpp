// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/protocol/job_spec.h"

#include "core/protocol/spec_reader.h"

namespace sa
{

namespace
{

/// A spec that is a model and nothing else.
template<class Spec> Result<JobSpec> parseModel(const SpecReader& reader)
{
    Spec spec;
    SA_CHECK(reader.path("model", spec.model));
    return JobSpec(std::move(spec));
}

Result<JobSpec> parseOpen(const SpecReader& reader)
{
    OpenSpec spec;
    SA_CHECK(reader.path("model", spec.model));
    SA_CHECK(reader.choice("energy", spec.energy, {"paper", "published"}));
    SA_CHECK(reader.integer("context", spec.context, 1, kMaxInt));
    return JobSpec(std::move(spec));
}

Result<void> parseQuantizer(const SpecReader& reader, QuantizerOptions& options)
{
    SA_CHECK(reader.choice("mode", options.mode, {"lat", "acc"}));
    SA_CHECK(reader.paths("calibration", options.calibration));
    SA_CHECK(reader.integer("samples", options.samples, 1, 1'000'000));
    SA_CHECK(reader.integer("seqlen", options.seqlen, 2, 1'000'000));
    SA_CHECK(reader.seed(options.seed));
    SA_CHECK(reader.integer("rounds", options.rounds, 0, 10'000));
    SA_CHECK(reader.integer("apot", options.apot, 1, 3));
    SA_CHECK(reader.integer("group_rows", options.groupRows, 1, kMaxInt));
    SA_CHECK(reader.fraction("damping", options.damping));
    SA_CHECK(reader.flag("rescale", options.rescale));
    SA_CHECK(reader.flag("rotate", options.rotate));
    SA_CHECK(reader.flag("weighted_fit", options.weightedFit));
    return reader.integer("refinements", options.refinements, 0, 100);
}

Result<JobSpec> parseAnalyze(const SpecReader& reader)
{
    AnalyzeSpec spec;
    SA_CHECK(reader.path("model", spec.model));
    SA_CHECK(parseQuantizer(reader, spec));
    SA_CHECK(reader.ascending("bits", spec.bits, 1, 4));
    SA_CHECK(reader.flag("measure", spec.measure));
    SA_CHECK(reader.choice("downstream", spec.downstream, {"each", "scaled", "none"}));
    SA_CHECK(reader.integer("downstream_samples", spec.downstreamSamples, 1, 100'000));
    for (const auto& [key, value] : {std::pair{"save_to", &spec.saveTo}, std::pair{"csv", &spec.csv}})
        if (reader.has(key))
            SA_CHECK(reader.text(key, *value));
    SA_CHECK(reader.flag("cache", spec.cache));
    SA_CHECK(reader.threads(spec.threads));
    SA_CHECK(reader.device(spec.device));
    return JobSpec(std::move(spec));
}

Result<JobSpec> parseQuantize(const SpecReader& reader)
{
    QuantizeSpec spec;
    SA_CHECK(reader.path("model", spec.model));
    SA_CHECK(reader.path("out", spec.out));
    if (reader.has("method"))
        SA_CHECK(reader.path("method", spec.method));
    SA_CHECK(reader.object("options", spec.options));
    SA_CHECK(parseQuantizer(reader, spec));
    SA_CHECK(reader.integer("bits", spec.bits, 1, 4));
    SA_CHECK(reader.oneOf("head_bits", spec.headBits, {1, 2, 3, 4, kByteHeadBits, kKeptHeadBits}));
    if (reader.has("plan"))
        SA_CHECK(reader.text("plan", spec.plan));
    SA_CHECK(reader.flag("drift_correction", spec.driftCorrection));
    SA_CHECK(reader.threads(spec.threads));
    SA_CHECK(reader.device(spec.device));
    SA_CHECK(reader.flag("resume", spec.resume));
    SA_CHECK(reader.flag("restart", spec.restart));
    if (spec.resume && spec.restart)
        return makeError(Errc::Usage, "an unfinished job is either resumed or discarded")
            .at("spec.restart")
            .butFound("resume and restart")
            .wanted("one of them");
    return JobSpec(std::move(spec));
}

Result<void> readEvaluate(const SpecReader& reader, EvaluateSpec& spec)
{
    SA_CHECK(reader.path("model", spec.model));
    SA_CHECK(reader.optionalPath("ppl", spec.text));
    SA_CHECK(reader.choice("join", spec.join, {"none", "raw"}));
    SA_CHECK(reader.integer("seqlen", spec.seqlen, 2, 1'000'000));
    SA_CHECK(reader.integer("max_windows", spec.maxWindows, 1, kMaxInt));
    SA_CHECK(reader.optionalPath("kld_against", spec.reference));
    SA_CHECK(reader.flag("noise_floor", spec.noiseFloor));
    SA_CHECK(reader.paths("tasks", spec.tasks));
    SA_CHECK(reader.integer("limit", spec.limit, 1, kMaxInt));
    SA_CHECK(reader.optionalPath("data", spec.data));
    SA_CHECK(reader.optionalPath("harness_out", spec.harness));
    SA_CHECK(reader.flag("cache", spec.cache));
    SA_CHECK(reader.threads(spec.threads));
    SA_CHECK(reader.device(spec.device));
    if (spec.text.empty() && (spec.tasks.empty() || !spec.reference.empty()))
        return reader.missing("ppl");
    return {};
}

Result<JobSpec> parseEvaluate(const SpecReader& reader)
{
    EvaluateSpec spec;
    SA_CHECK(readEvaluate(reader, spec));
    SA_CHECK(reader.cpuPrecision(spec.cpuPrecision));
    return JobSpec(std::move(spec));
}

Result<JobSpec> parseGenerate(const SpecReader& reader)
{
    GenerateSpec spec;
    SA_CHECK(reader.path("model", spec.model));
    SA_CHECK(reader.messages(spec.messages));
    if (spec.messages.empty())
        SA_CHECK(reader.text("prompt", spec.prompt));
    else if (reader.has("prompt"))
        return reader.wrong("messages", "a text is generated from a prompt or from messages", "one of them");
    SA_CHECK(reader.integer("max_tokens", spec.maxTokens, 0, 1'000'000));
    SA_CHECK(reader.flag("greedy", spec.greedy));
    SA_CHECK(reader.number("temperature", spec.temperature, 0.0, 100.0));
    SA_CHECK(reader.fraction("top_p", spec.topP));
    SA_CHECK(reader.seed(spec.seed));
    SA_CHECK(reader.paths("stop", spec.stop));
    SA_CHECK(reader.integer("top_k_logged", spec.topLogged, 0, 100));
    SA_CHECK(reader.integers("force_ids", spec.forceIds, 0, kMaxInt, kMaxForced));
    SA_CHECK(reader.optionalPath("kld_against", spec.reference));
    SA_CHECK(reader.threads(spec.threads));
    SA_CHECK(reader.device(spec.device));
    SA_CHECK(reader.cpuPrecision(spec.cpuPrecision));
    if (!spec.reference.empty() && spec.forceIds.empty())
        return reader.wrong("kld_against", "divergence is measured along given tokens", "force_ids as well");
    return JobSpec(std::move(spec));
}

Result<JobSpec> parseLatency(const SpecReader& reader)
{
    LatencySpec spec;
    SA_CHECK(reader.path("model", spec.model));
    SA_CHECK(reader.optionalPath("against", spec.against));
    SA_CHECK(reader.integers("lengths", spec.lengths, 1, 1'000'000, 100));
    if (spec.lengths.empty())
        return reader.missing("lengths");
    SA_CHECK(reader.integer("decode", spec.decode, 1, 100'000));
    SA_CHECK(reader.integer("repeats", spec.repeats, 1, 10'000));
    SA_CHECK(reader.integer("warmup", spec.warmup, 0, 10'000));
    SA_CHECK(reader.threads(spec.threads));
    SA_CHECK(reader.device(spec.device));
    SA_CHECK(reader.cpuPrecision(spec.cpuPrecision));
    return JobSpec(std::move(spec));
}

Result<JobSpec> parseReport(const SpecReader& reader)
{
    ReportSpec spec;
    SA_CHECK(readEvaluate(reader, spec.evaluate));
    SA_CHECK(reader.optionalPath("certificate", spec.out));
    SA_CHECK(reader.optionalPath("html", spec.html));
    SA_CHECK(reader.optionalPath("latency", spec.latency));
    SA_CHECK(reader.optionalNumber("max_kl", spec.maxKl, 0.0, 1e6));
    SA_CHECK(reader.optionalNumber("max_ppl_increase", spec.maxPerplexityIncrease, 0.0, 1e6));
    SA_CHECK(reader.optionalNumber("max_accuracy_loss", spec.maxAccuracyLoss, 0.0, 100.0));
    SA_CHECK(reader.optionalText("override", spec.overrideReason));
    if ((spec.maxKl || spec.maxPerplexityIncrease || spec.maxAccuracyLoss) && spec.evaluate.reference.empty())
        return reader.missing("kld_against");
    if (spec.maxAccuracyLoss && spec.evaluate.tasks.empty())
        return reader.missing("tasks");
    return JobSpec(std::move(spec));
}

Result<JobSpec> parseExport(const SpecReader& reader)
{
    ExportSpec spec;
    SA_CHECK(reader.path("model", spec.model));
    SA_CHECK(reader.path("out", spec.out));
    SA_CHECK(reader.choice("format", spec.format, {"hf-fp16", "reference-pt"}));
    SA_CHECK(reader.optionalPath("certificate", spec.certificate));
    return JobSpec(std::move(spec));
}

Result<JobSpec> parseImportReference(const SpecReader& reader)
{
    ImportReferenceSpec spec;
    SA_CHECK(reader.path("reference", spec.reference));
    SA_CHECK(reader.path("base", spec.base));
    SA_CHECK(reader.path("out", spec.out));
    return JobSpec(std::move(spec));
}

Result<JobSpec> parseMethods(const SpecReader&)
{
    return JobSpec(MethodsSpec());
}

Result<JobSpec> parseAddOutliers(const SpecReader& reader)
{
    AddOutliersSpec spec;
    SA_CHECK(reader.path("model", spec.model));
    SA_CHECK(reader.path("out", spec.out));
    SA_CHECK(reader.integer("channels", spec.channels, 1, 1'000'000));
    SA_CHECK(reader.number("factor", spec.factor, 1.0, 1e6));
    SA_CHECK(reader.seed(spec.seed));
    return JobSpec(std::move(spec));
}

Result<JobSpec> parseBench(const SpecReader& reader)
{
    BenchSpec spec;
    if (reader.has("shapes"))
        SA_CHECK(reader.paths("shapes", spec.shapes));
    SA_CHECK(reader.optionalPath("model", spec.model));
    SA_CHECK(reader.optionalPath("config", spec.config));
    if (!spec.model.empty() + !spec.config.empty() + !spec.shapes.empty() > 1)
        return reader.wrong("shapes", "only one thing is measured at a time", "shapes, a model or a config");
    if (spec.model.empty() && spec.config.empty() && spec.shapes.empty())
        return reader.missing("shapes");
    SA_CHECK(reader.integer("context", spec.context, 1, 1'000'000));
    SA_CHECK(reader.integer("decode", spec.decode, 1, 100'000));
    SA_CHECK(reader.ascending("bits", spec.bits, 1, 4));
    SA_CHECK(reader.choice("geometry", spec.geometry, {"lat", "acc"}));
    SA_CHECK(reader.integer("group_rows", spec.groupRows, 1, kMaxInt));
    SA_CHECK(reader.integer("tokens", spec.tokens, 1, 8));
    SA_CHECK(reader.integer("repeats", spec.repeats, 1, 1000));
    SA_CHECK(reader.seed(spec.seed));
    SA_CHECK(reader.threads(spec.threads));
    SA_CHECK(reader.device(spec.device));
    SA_CHECK(reader.cpuPrecision(spec.cpuPrecision));
    return JobSpec(std::move(spec));
}

struct Kind {
    const char* name;
    Result<JobSpec> (*parse)(const SpecReader&);
};
/// In the order of JobSpec's alternatives.
constexpr Kind kKinds[] = {{"open", parseOpen},
                           {"quantize", parseQuantize},
                           {"evaluate", parseEvaluate},
                           {"generate", parseGenerate},
                           {"export", parseExport},
                           {"verify", parseModel<VerifySpec>},
                           {"doctor", parseModel<DoctorSpec>},
                           {"import_reference", parseImportReference},
                           {"methods", parseMethods},
                           {"add_outliers", parseAddOutliers},
                           {"analyze", parseAnalyze},
                           {"latency", parseLatency},
                           {"report", parseReport},
                           {"bench", parseBench}};
static_assert(std::size(kKinds) == std::variant_size_v<JobSpec>);

} // namespace

const char* kindOf(const JobSpec& spec) noexcept
{
    return kKinds[spec.index()].name;
}

Result<JobSpec> parseJobSpec(const std::string& kind, const Json& spec)
{
    const auto asUsage = [](Error error) {
        error.code = Errc::Usage;
        return error;
    };
    for (const Kind& known : kKinds) {
        if (kind != known.name)
            continue;
        if (!spec.is_object())
            return asUsage(JsonField(spec, {}, "spec").wrong("an object"));
        auto parsed = known.parse(SpecReader(spec));
        if (!parsed)
            return asUsage(std::move(parsed).error());
        return parsed;
    }
    std::string expected;
    for (const Kind& known : kKinds)
        expected += (expected.empty() ? "" : ", ") + std::string(known.name);
    return makeError(Errc::Usage, "this kind of job does not exist").at("do").butFound(kind).wanted(expected);
}
} // namespace sa
