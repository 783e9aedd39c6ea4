// SPDX-License-Identifier: GPL-3.0-or-later
// The spec of a job as the wire carries it, defaults included.
#include "core/protocol/job_spec.h"

namespace sa
{

namespace
{

template<class T> Json orNull(const std::optional<T>& value)
{
    return value ? Json(*value) : Json();
}

Json object(const OpenSpec& spec)
{
    return {{"model", spec.model}, {"energy", spec.energy}, {"context", orNull(spec.context)}};
}

Json withQuantizer(const QuantizerOptions& options, Json members)
{
    members.update({{"mode", options.mode},
                    {"calibration", options.calibration},
                    {"samples", options.samples},
                    {"seqlen", orNull(options.seqlen)},
                    {"seed", options.seed},
                    {"rounds", options.rounds},
                    {"apot", options.apot},
                    {"group_rows", orNull(options.groupRows)},
                    {"damping", options.damping},
                    {"rescale", orNull(options.rescale)},
                    {"rotate", orNull(options.rotate)},
                    {"weighted_fit", options.weightedFit},
                    {"refinements", orNull(options.refinements)}});
    return members;
}

Json object(const QuantizeSpec& spec)
{
    return withQuantizer(spec, {{"model", spec.model},
                                {"out", spec.out},
                                {"method", spec.method},
                                {"options", spec.options},
                                {"bits", spec.bits},
                                {"head_bits", spec.headBits},
                                {"plan", spec.plan.empty() ? Json() : Json(spec.plan)},
                                {"drift_correction", spec.driftCorrection},
                                {"threads", spec.threads},
                                {"device", spec.device},
                                {"resume", spec.resume},
                                {"restart", spec.restart}});
}

Json object(const AnalyzeSpec& spec)
{
    return withQuantizer(spec, {{"model", spec.model},
                                {"bits", spec.bits},
                                {"measure", spec.measure},
                                {"downstream", spec.downstream},
                                {"downstream_samples", spec.downstreamSamples},
                                {"save_to", spec.saveTo.empty() ? Json() : Json(spec.saveTo)},
                                {"csv", spec.csv.empty() ? Json() : Json(spec.csv)},
                                {"cache", spec.cache},
                                {"threads", spec.threads},
                                {"device", spec.device}});
}

Json orNull(const std::string& value)
{
    return value.empty() ? Json() : Json(value);
}

Json object(const EvaluateSpec& spec)
{
    return {{"model", spec.model},
            {"ppl", orNull(spec.text)},
            {"join", spec.join},
            {"seqlen", spec.seqlen},
            {"max_windows", orNull(spec.maxWindows)},
            {"kld_against", orNull(spec.reference)},
            {"noise_floor", spec.noiseFloor},
            {"tasks", spec.tasks},
            {"limit", orNull(spec.limit)},
            {"data", orNull(spec.data)},
            {"harness_out", orNull(spec.harness)},
            {"cache", spec.cache},
            {"threads", spec.threads},
            {"device", spec.device},
            {"cpu_precision", spec.cpuPrecision}};
}

Json object(const GenerateSpec& spec)
{
    Json out{{"model", spec.model},
             {"max_tokens", spec.maxTokens},
             {"greedy", spec.greedy},
             {"temperature", spec.temperature},
             {"top_p", spec.topP},
             {"seed", spec.seed},
             {"stop", spec.stop},
             {"top_k_logged", spec.topLogged},
             {"force_ids", spec.forceIds},
             {"kld_against", orNull(spec.reference)},
             {"threads", spec.threads},
             {"device", spec.device},
             {"cpu_precision", spec.cpuPrecision}};
    if (spec.messages.empty())
        out["prompt"] = spec.prompt;
    for (const MessageSpec& message : spec.messages)
        out["messages"].push_back({{"role", message.role}, {"content", message.content}});
    return out;
}

Json object(const LatencySpec& spec)
{
    return {{"model", spec.model},     {"against", orNull(spec.against)}, {"lengths", spec.lengths},
            {"decode", spec.decode},   {"repeats", spec.repeats},         {"warmup", spec.warmup},
            {"threads", spec.threads}, {"device", spec.device},           {"cpu_precision", spec.cpuPrecision}};
}

Json object(const ReportSpec& spec)
{
    Json out = object(spec.evaluate);
    out.erase("cpu_precision"); // a certificate is of the exact product
    out["certificate"] = orNull(spec.out);
    out["html"] = orNull(spec.html);
    out["latency"] = orNull(spec.latency);
    out["max_kl"] = orNull(spec.maxKl);
    out["max_ppl_increase"] = orNull(spec.maxPerplexityIncrease);
    out["max_accuracy_loss"] = orNull(spec.maxAccuracyLoss);
    out["override"] = orNull(spec.overrideReason);
    return out;
}

Json object(const ExportSpec& spec)
{
    return {
        {"model", spec.model}, {"out", spec.out}, {"format", spec.format}, {"certificate", orNull(spec.certificate)}};
}

Json object(const VerifySpec& spec)
{
    return {{"model", spec.model}};
}

Json object(const DoctorSpec& spec)
{
    return {{"model", spec.model}};
}

Json object(const ImportReferenceSpec& spec)
{
    return {{"reference", spec.reference}, {"base", spec.base}, {"out", spec.out}};
}

Json object(const MethodsSpec&)
{
    return Json::object();
}

Json object(const AddOutliersSpec& spec)
{
    return {{"model", spec.model},
            {"out", spec.out},
            {"channels", spec.channels},
            {"factor", spec.factor},
            {"seed", spec.seed}};
}

Json object(const BenchSpec& spec)
{
    return {{"shapes", spec.shapes},
            {"model", orNull(spec.model)},
            {"config", orNull(spec.config)},
            {"context", spec.context},
            {"decode", spec.decode},
            {"bits", spec.bits},
            {"geometry", spec.geometry},
            {"group_rows", orNull(spec.groupRows)},
            {"tokens", spec.tokens},
            {"repeats", spec.repeats},
            {"seed", spec.seed},
            {"threads", spec.threads},
            {"device", spec.device},
            {"cpu_precision", spec.cpuPrecision}};
}

} // namespace

Json toJson(const JobSpec& spec)
{
    return std::visit([](const auto& alternative) { return object(alternative); }, spec);
}

} // namespace sa
