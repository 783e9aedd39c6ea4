// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/protocol/job_spec.h"

#include <charconv>
#include <initializer_list>
#include <limits>
#include <type_traits>

namespace sa
{

namespace
{

constexpr std::int64_t kMaxInt = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMaxSeed = std::numeric_limits<std::int64_t>::max();
constexpr int kMaxThreads = 1024;
constexpr std::size_t kMaxCalibrationFiles = 1000;
constexpr std::size_t kMaxMessages = 10'000;
constexpr std::size_t kMaxForced = 1'000'000;

/// Reads members with the fallback of the value they are read into: the structs in the header are the table of
/// defaults.
class SpecReader
{
public:
    explicit SpecReader(const Json& spec)
        : m_spec(spec, {}, "spec")
    {
    }

    bool has(const char* key) const { return m_spec.has(key); }
    Result<void> integer(const char* key, int& value, std::int64_t min, std::int64_t max) const
    {
        SA_TRY(const auto number, m_spec.intOr(key, value, min, max));
        value = static_cast<int>(number);
        return {};
    }
    Result<void> integer(const char* key, std::optional<int>& value, std::int64_t min, std::int64_t max) const
    {
        if (!m_spec.has(key))
            return {};
        SA_TRY(const auto number, m_spec.intAt(key, min, max));
        value = static_cast<int>(number);
        return {};
    }
    Result<void> seed(std::uint64_t& value) const
    {
        SA_TRY(const auto number, m_spec.intOr("seed", 0, 0, kMaxSeed));
        value = static_cast<std::uint64_t>(number);
        return {};
    }
    Result<void> number(const char* key, double& value, double min, double max) const
    {
        SA_TRY(value, m_spec.doubleOr(key, value, min, max));
        return {};
    }
    /// A number in ]0, 1].
    Result<void> fraction(const char* key, double& value) const
    {
        constexpr const char* expected = "a number above 0 and at most 1";
        const auto field = m_spec.find(key);
        if (!field)
            return {};
        const auto parsed = field->asDouble(0.0, 1.0);
        if (!parsed || *parsed == 0.0)
            return field->wrong(expected);
        value = *parsed;
        return {};
    }
    Result<void> flag(const char* key, bool& value) const
    {
        SA_TRY(value, m_spec.boolOr(key, value));
        return {};
    }
    /// Null or absent: the default of the mode.
    Result<void> flag(const char* key, std::optional<bool>& value) const
    {
        if (const auto field = m_spec.find(key)) {
            SA_TRY(value, m_spec.boolOr(key, false));
        }
        return {};
    }
    Result<void> text(const char* key, std::string& value) const
    {
        if (!m_spec.has(key))
            return missing(key);
        SA_TRY(const JsonField field, m_spec.at(key));
        SA_TRY(value, plainText(field));
        return {};
    }
    Result<void> path(const char* key, std::string& value) const
    {
        SA_CHECK(text(key, value));
        if (value.empty())
            return missing(key);
        return {};
    }
    Result<void> paths(const char* key, std::vector<std::string>& value) const
    {
        const auto field = m_spec.find(key);
        if (!field)
            return {};
        SA_TRY(const auto elements, field->elements(kMaxCalibrationFiles));
        for (const JsonField& element : elements) {
            SA_TRY(std::string path, plainText(element));
            if (path.empty())
                return element.wrong("a path");
            value.push_back(std::move(path));
        }
        return {};
    }
    /// Different integers in ascending order, at least one.
    Result<void> ascending(const char* key, std::vector<int>& value, std::int64_t min, std::int64_t max) const
    {
        const auto field = m_spec.find(key);
        if (!field)
            return {};
        SA_TRY(const auto elements, field->elements(64));
        std::vector<int> numbers;
        for (const JsonField& element : elements) {
            SA_TRY(const auto number, element.asInt(min, max));
            if (!numbers.empty() && number <= numbers.back())
                return field->wrong("different numbers in ascending order");
            numbers.push_back(static_cast<int>(number));
        }
        if (numbers.empty())
            return field->wrong("at least one number");
        value = std::move(numbers);
        return {};
    }
    /// Absent or null: as it is; otherwise a text that is not empty.
    Result<void> optionalPath(const char* key, std::string& value) const
    {
        return has(key) ? path(key, value) : Result<void>();
    }
    Result<void> optionalNumber(const char* key, std::optional<double>& value, double min, double max) const
    {
        if (!m_spec.has(key))
            return {};
        SA_TRY(const JsonField field, m_spec.at(key));
        SA_TRY(value, field.asDouble(min, max));
        return {};
    }
    Result<void> optionalText(const char* key, std::string& value) const
    {
        return has(key) ? text(key, value) : Result<void>();
    }
    template<class Integer>
    Result<void> integers(const char* key, std::vector<Integer>& value, std::int64_t min, std::int64_t max,
                          std::size_t most) const
    {
        const auto field = m_spec.find(key);
        if (!field)
            return {};
        SA_TRY(const auto elements, field->elements(most));
        value.clear();
        for (const JsonField& element : elements) {
            SA_TRY(const std::int64_t number, element.asInt(min, max));
            value.push_back(static_cast<Integer>(number));
        }
        return {};
    }
    Result<void> messages(std::vector<MessageSpec>& value) const
    {
        const auto field = m_spec.find("messages");
        if (!field)
            return {};
        SA_TRY(const auto elements, field->elements(kMaxMessages));
        for (const JsonField& element : elements) {
            if (!element.isObject())
                return element.wrong("an object with role and content");
            SA_TRY(const JsonField role, element.at("role"));
            SA_TRY(const JsonField content, element.at("content"));
            MessageSpec message;
            SA_TRY(message.role, plainText(role));
            SA_TRY(message.content, plainText(content));
            value.push_back(std::move(message));
        }
        return {};
    }
    /// The error that a member is needed.
    Error missing(const char* key) const
    {
        return makeError(Errc::Usage, "a required field is missing").at(m_spec.path() + "." + key);
    }
    Error wrong(const char* key, std::string message, std::string expected) const
    {
        return makeError(Errc::Usage, std::move(message)).at(m_spec.path() + "." + key).wanted(std::move(expected));
    }

    Result<void> choice(const char* key, std::string& value, std::initializer_list<const char*> choices) const
    {
        const auto field = m_spec.find(key);
        if (!field)
            return {};
        std::string expected;
        for (const char* choice : choices) {
            if (field->isString() && field->raw() == choice) {
                value = choice;
                return {};
            }
            expected += (expected.empty() ? "\"" : " or \"") + std::string(choice) + "\"";
        }
        return field->wrong(expected);
    }
    Result<void> device(std::string& value) const
    {
        const auto field = m_spec.find("device");
        if (!field)
            return {};
        if (!field->isString() || !isDevice(field->raw().get_ref<const std::string&>()))
            return field->wrong("\"cpu\" or \"cuda:N\"");
        value = field->raw().get<std::string>();
        return {};
    }
    Result<void> object(const char* key, Json& value) const
    {
        const auto field = m_spec.find(key);
        if (!field)
            return {};
        if (!field->isObject())
            return field->wrong("an object");
        value = field->raw();
        return {};
    }
    Result<void> threads(int& value) const { return integer("threads", value, 0, kMaxThreads); }

private:
    static bool isDevice(const std::string& text)
    {
        if (text == "cpu")
            return true;
        const std::string prefix = "cuda:";
        const bool hasNumber = text.rfind(prefix, 0) == 0 && text.size() > prefix.size() &&
                               text.size() <= prefix.size() + 3 &&
                               text.find_first_not_of("0123456789", prefix.size()) == std::string::npos;
        return hasNumber && (text[prefix.size()] != '0' || text.size() == prefix.size() + 1);
    }
    /// Paths and prompts end in system calls and in argument lists, where a NUL would cut them silently.
    static Result<std::string> plainText(const JsonField& field)
    {
        SA_TRY(std::string text, field.asString());
        if (text.find('\0') != std::string::npos)
            return field.wrong("a text without NUL characters");
        return text;
    }
    JsonField m_spec;
};

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
    SA_CHECK(reader.optionalText("override", spec.overrideReason));
    if ((spec.maxKl || spec.maxPerplexityIncrease) && spec.evaluate.reference.empty())
        return reader.missing("kld_against");
    return JobSpec(std::move(spec));
}

Result<JobSpec> parseExport(const SpecReader& reader)
{
    ExportSpec spec;
    SA_CHECK(reader.path("model", spec.model));
    SA_CHECK(reader.path("out", spec.out));
    SA_CHECK(reader.choice("format", spec.format, {"hf-fp16", "reference-pt"}));
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
    SA_CHECK(reader.paths("shapes", spec.shapes));
    if (spec.shapes.empty())
        return makeError(Errc::Usage, "a required field is missing").at("spec.shapes");
    SA_CHECK(reader.ascending("bits", spec.bits, 1, 4));
    SA_CHECK(reader.choice("geometry", spec.geometry, {"lat", "acc"}));
    SA_CHECK(reader.integer("group_rows", spec.groupRows, 1, kMaxInt));
    SA_CHECK(reader.integer("tokens", spec.tokens, 1, 8));
    SA_CHECK(reader.integer("repeats", spec.repeats, 1, 1000));
    SA_CHECK(reader.seed(spec.seed));
    SA_CHECK(reader.threads(spec.threads));
    SA_CHECK(reader.device(spec.device));
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
            {"device", spec.device}};
}

Json object(const GenerateSpec& spec)
{
    Json out{{"model", spec.model},        {"max_tokens", spec.maxTokens},
             {"greedy", spec.greedy},      {"temperature", spec.temperature},
             {"top_p", spec.topP},         {"seed", spec.seed},
             {"stop", spec.stop},          {"top_k_logged", spec.topLogged},
             {"force_ids", spec.forceIds}, {"kld_against", orNull(spec.reference)},
             {"threads", spec.threads},    {"device", spec.device}};
    if (spec.messages.empty())
        out["prompt"] = spec.prompt;
    for (const MessageSpec& message : spec.messages)
        out["messages"].push_back({{"role", message.role}, {"content", message.content}});
    return out;
}

Json object(const LatencySpec& spec)
{
    return {{"model", spec.model},     {"against", orNull(spec.against)},
            {"lengths", spec.lengths}, {"decode", spec.decode},
            {"repeats", spec.repeats}, {"warmup", spec.warmup},
            {"threads", spec.threads}, {"device", spec.device}};
}

Json object(const ReportSpec& spec)
{
    Json out = object(spec.evaluate);
    out["certificate"] = orNull(spec.out);
    out["html"] = orNull(spec.html);
    out["latency"] = orNull(spec.latency);
    out["max_kl"] = orNull(spec.maxKl);
    out["max_ppl_increase"] = orNull(spec.maxPerplexityIncrease);
    out["override"] = orNull(spec.overrideReason);
    return out;
}

Json object(const ExportSpec& spec)
{
    return {{"model", spec.model}, {"out", spec.out}, {"format", spec.format}};
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
    return {{"shapes", spec.shapes},     {"bits", spec.bits},
            {"geometry", spec.geometry}, {"group_rows", orNull(spec.groupRows)},
            {"tokens", spec.tokens},     {"repeats", spec.repeats},
            {"seed", spec.seed},         {"threads", spec.threads},
            {"device", spec.device}};
}

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
    list.changed("--override", spec.overrideReason, fallback.overrideReason);
    return std::move(list).with({spec.evaluate.model});
}

std::vector<std::string> arguments(const ExportSpec& spec)
{
    ArgumentList list("export");
    list.option("--format", spec.format);
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
    return std::move(list).with({});
}

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

Json toJson(const JobSpec& spec)
{
    return std::visit([](const auto& alternative) { return object(alternative); }, spec);
}

std::vector<std::string> commandLine(const JobSpec& spec)
{
    return std::visit([](const auto& alternative) { return arguments(alternative); }, spec);
}

} // namespace sa
