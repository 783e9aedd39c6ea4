// SPDX-License-Identifier: GPL-3.0-or-later
// The same job for a shell.
#include "core/protocol/job_spec.h"

#include <type_traits>

namespace sa
{

namespace
{

/// Collects the arguments of one command: options that differ from the default first, then the paths.
class ArgumentList
{
public:
    explicit ArgumentList(const char* command)
        : m_arguments{"shiftadd", command}
    {
    }

    void option(const std::string& key, const std::string& value)
    {
        // "--prompt -5" reads as two options, "--prompt=-5" does not.
        if (!value.empty() && value.front() == '-') {
            m_arguments.push_back(key + "=" + value);
        } else {
            m_arguments.push_back(key);
            m_arguments.push_back(value);
        }
    }
    template<class T> void changed(const std::string& key, const T& value, const T& fallback)
    {
        if (value != fallback)
            option(key, asText(value));
    }
    void flag(const std::string& key, bool value)
    {
        if (value)
            m_arguments.push_back(key);
    }
    std::vector<std::string> with(const std::vector<std::string>& paths) &&
    {
        for (const std::string& path : paths)
            if (!path.empty() && path.front() == '-') {
                m_arguments.push_back("--");
                break;
            }
        m_arguments.insert(m_arguments.end(), paths.begin(), paths.end());
        return std::move(m_arguments);
    }

private:
    static std::string asText(const std::string& value) { return value; }
    static std::string asText(int value) { return std::to_string(value); }
    static std::string asText(std::uint64_t value) { return std::to_string(value); }
    static std::string asText(double value) { return json::dump(Json(value)); }
    static std::string asText(bool value) { return value ? "on" : "off"; }
    template<class T> static std::string asText(const std::optional<T>& value) { return value ? asText(*value) : ""; }

    std::vector<std::string> m_arguments;
};

/// What --set reads back as the same value: a text only needs quotes where it could be taken for something else.
std::string optionText(const Json& value)
{
    if (!value.is_string())
        return json::dump(value);
    const std::string& text = value.get_ref<const std::string&>();
    return text.empty() || text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_-") != std::string::npos ||
                   text == "true" || text == "false" || text == "null" || text == "inf" || text == "nan"
               ? json::dump(value)
               : text;
}

std::vector<std::string> arguments(const OpenSpec& spec)
{
    const OpenSpec fallback;
    ArgumentList list("info");
    list.changed("--energy", spec.energy, fallback.energy);
    list.changed("--context", spec.context, fallback.context);
    return std::move(list).with({spec.model});
}

/// All but the mode, which some commands always show.
void addQuantizer(ArgumentList& list, const QuantizerOptions& options, const QuantizerOptions& fallback)
{
    for (const std::string& path : options.calibration)
        list.option("--calibration", path);
    list.changed("--samples", options.samples, fallback.samples);
    list.changed("--seqlen", options.seqlen, fallback.seqlen);
    list.changed("--seed", options.seed, fallback.seed);
    list.changed("--rounds", options.rounds, fallback.rounds);
    list.changed("--apot", options.apot, fallback.apot);
    list.changed("--group-rows", options.groupRows, fallback.groupRows);
    list.changed("--damping", options.damping, fallback.damping);
    list.changed("--rescale", options.rescale, fallback.rescale);
    list.changed("--rotate", options.rotate, fallback.rotate);
    list.changed("--weighted-fit", options.weightedFit, fallback.weightedFit);
    list.changed("--refinements", options.refinements, fallback.refinements);
}

std::vector<std::string> arguments(const QuantizeSpec& spec)
{
    const QuantizeSpec fallback;
    ArgumentList list("quantize");
    list.changed("--method", spec.method, fallback.method);
    for (const auto& [key, value] : spec.options.items())
        list.option("--set", key + "=" + optionText(value));
    if (spec.method == fallback.method)
        list.option("--mode", spec.mode);
    if (spec.plan.empty() || spec.bits != fallback.bits)
        list.option("--bits", std::to_string(spec.bits));
    list.changed("--head-bits", spec.headBits, fallback.headBits);
    list.changed("--plan", spec.plan, fallback.plan);
    addQuantizer(list, spec, fallback);
    list.changed("--drift-correction", spec.driftCorrection, fallback.driftCorrection);
    list.changed("--threads", spec.threads, fallback.threads);
    list.changed("--device", spec.device, fallback.device);
    list.flag("--resume", spec.resume);
    list.flag("--restart", spec.restart);
    return std::move(list).with({spec.model, spec.out});
}

template<class T> std::string joined(const std::vector<T>& values)
{
    std::string out;
    for (const T& value : values) {
        out += out.empty() ? "" : ",";
        if constexpr (std::is_same_v<T, std::string>)
            out += value;
        else
            out += std::to_string(value);
    }
    return out;
}

std::vector<std::string> arguments(const AnalyzeSpec& spec)
{
    const AnalyzeSpec fallback;
    ArgumentList list("analyze");
    list.changed("--mode", spec.mode, fallback.mode);
    if (spec.bits != fallback.bits)
        list.option("--bits", joined(spec.bits));
    addQuantizer(list, spec, fallback);
    list.changed("--measure", spec.measure, fallback.measure);
    list.changed("--downstream", spec.downstream, fallback.downstream);
    list.changed("--downstream-samples", spec.downstreamSamples, fallback.downstreamSamples);
    list.changed("--out", spec.saveTo, fallback.saveTo);
    list.changed("--csv", spec.csv, fallback.csv);
    list.changed("--cache", spec.cache, fallback.cache);
    list.changed("--threads", spec.threads, fallback.threads);
    list.changed("--device", spec.device, fallback.device);
    return std::move(list).with({spec.model});
}

void addEvaluate(ArgumentList& list, const EvaluateSpec& spec)
{
    const EvaluateSpec fallback;
    list.changed("--ppl", spec.text, fallback.text);
    list.changed("--join", spec.join, fallback.join);
    list.changed("--seqlen", spec.seqlen, fallback.seqlen);
    list.changed("--windows", spec.maxWindows, fallback.maxWindows);
    list.changed("--kld-against", spec.reference, fallback.reference);
    list.changed("--noise-floor", spec.noiseFloor, fallback.noiseFloor);
    list.changed("--tasks", joined(spec.tasks), {});
    list.changed("--limit", spec.limit, fallback.limit);
    list.changed("--data", spec.data, fallback.data);
    list.changed("--harness-out", spec.harness, fallback.harness);
    list.changed("--cache", spec.cache, fallback.cache);
    list.changed("--threads", spec.threads, fallback.threads);
    list.changed("--device", spec.device, fallback.device);
}

std::vector<std::string> arguments(const EvaluateSpec& spec)
{
    ArgumentList list("eval");
    addEvaluate(list, spec);
    list.changed("--cpu-precision", spec.cpuPrecision, EvaluateSpec().cpuPrecision);
    return std::move(list).with({spec.model});
}

std::vector<std::string> arguments(const GenerateSpec& spec)
{
    const GenerateSpec fallback;
    ArgumentList list("generate");
    if (spec.messages.empty())
        list.option("--prompt", spec.prompt);
    for (const MessageSpec& message : spec.messages)
        list.option("--message", message.role + "=" + message.content);
    list.changed("--max-tokens", spec.maxTokens, fallback.maxTokens);
    list.flag("--greedy", spec.greedy);
    list.changed("--temperature", spec.temperature, fallback.temperature);
    list.changed("--top-p", spec.topP, fallback.topP);
    list.changed("--seed", spec.seed, fallback.seed);
    for (const std::string& text : spec.stop)
        list.option("--stop", text);
    list.changed("--top-k-logged", spec.topLogged, fallback.topLogged);
    list.changed("--force-ids", joined(spec.forceIds), {});
    list.changed("--kld-against", spec.reference, fallback.reference);
    list.changed("--threads", spec.threads, fallback.threads);
    list.changed("--device", spec.device, fallback.device);
    list.changed("--cpu-precision", spec.cpuPrecision, fallback.cpuPrecision);
    return std::move(list).with({spec.model});
}

std::vector<std::string> arguments(const LatencySpec& spec)
{
    const LatencySpec fallback;
    ArgumentList list("bench-latency");
    list.changed("--against", spec.against, fallback.against);
    list.changed("--lengths", joined(spec.lengths), joined(fallback.lengths));
    list.changed("--decode", spec.decode, fallback.decode);
    list.changed("--repeats", spec.repeats, fallback.repeats);
    list.changed("--warmup", spec.warmup, fallback.warmup);
    list.changed("--threads", spec.threads, fallback.threads);
    list.changed("--device", spec.device, fallback.device);
    list.changed("--cpu-precision", spec.cpuPrecision, fallback.cpuPrecision);
    return std::move(list).with({spec.model});
}

std::vector<std::string> arguments(const ReportSpec& spec)
{
    ArgumentList list("report");
    addEvaluate(list, spec.evaluate);
    const ReportSpec fallback;
    list.changed("--certificate", spec.out, fallback.out);
    list.changed("--html", spec.html, fallback.html);
    list.changed("--latency", spec.latency, fallback.latency);
    list.changed("--max-kl", spec.maxKl, fallback.maxKl);
    list.changed("--max-ppl-increase", spec.maxPerplexityIncrease, fallback.maxPerplexityIncrease);
    list.changed("--max-accuracy-loss", spec.maxAccuracyLoss, fallback.maxAccuracyLoss);
    list.changed("--override", spec.overrideReason, fallback.overrideReason);
    return std::move(list).with({spec.evaluate.model});
}

std::vector<std::string> arguments(const ExportSpec& spec)
{
    ArgumentList list("export");
    list.option("--format", spec.format);
    list.changed("--certificate", spec.certificate, ExportSpec().certificate);
    return std::move(list).with({spec.model, spec.out});
}

std::vector<std::string> arguments(const VerifySpec& spec)
{
    return ArgumentList("verify").with({spec.model});
}

std::vector<std::string> arguments(const DoctorSpec& spec)
{
    return ArgumentList("doctor").with({spec.model});
}

std::vector<std::string> arguments(const ImportReferenceSpec& spec)
{
    ArgumentList list("import-reference");
    list.option("--base", spec.base);
    return std::move(list).with({spec.reference, spec.out});
}

std::vector<std::string> arguments(const MethodsSpec&)
{
    return ArgumentList("methods").with({});
}

std::vector<std::string> arguments(const AddOutliersSpec& spec)
{
    const AddOutliersSpec fallback;
    ArgumentList list("add-outliers");
    list.changed("--channels", spec.channels, fallback.channels);
    list.changed("--factor", spec.factor, fallback.factor);
    list.changed("--seed", spec.seed, fallback.seed);
    return std::move(list).with({spec.model, spec.out});
}

std::vector<std::string> arguments(const BenchSpec& spec)
{
    const BenchSpec fallback;
    ArgumentList list("bench");
    for (const auto& shape : spec.shapes)
        list.option("--shape", shape);
    list.changed("--config", spec.config, fallback.config);
    list.changed("--context", spec.context, fallback.context);
    list.changed("--decode", spec.decode, fallback.decode);
    if (spec.bits != fallback.bits) {
        std::string bits;
        for (const int b : spec.bits)
            bits += (bits.empty() ? "" : ",") + std::to_string(b);
        list.option("--bits", bits);
    }
    list.changed("--geometry", spec.geometry, fallback.geometry);
    list.changed("--group-rows", spec.groupRows, fallback.groupRows);
    list.changed("--tokens", spec.tokens, fallback.tokens);
    list.changed("--repeats", spec.repeats, fallback.repeats);
    list.changed("--seed", spec.seed, fallback.seed);
    list.changed("--threads", spec.threads, fallback.threads);
    list.changed("--device", spec.device, fallback.device);
    list.changed("--cpu-precision", spec.cpuPrecision, fallback.cpuPrecision);
    return std::move(list).with(spec.model.empty() ? std::vector<std::string>() : std::vector{spec.model});
}

} // namespace

std::vector<std::string> commandLine(const JobSpec& spec)
{
    return std::visit([](const auto& alternative) { return arguments(alternative); }, spec);
}

} // namespace sa
