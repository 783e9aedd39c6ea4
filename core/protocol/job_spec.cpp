// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/protocol/job_spec.h"

#include <charconv>
#include <initializer_list>
#include <limits>

namespace sa
{

namespace
{

constexpr std::int64_t kMaxInt = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMaxSeed = std::numeric_limits<std::int64_t>::max();
constexpr int kMaxThreads = 1024;
constexpr std::size_t kMaxCalibrationFiles = 1000;

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
    /// Absent: the fallback. An empty list is refused.
    Result<void> integers(const char* key, std::vector<int>& value, std::int64_t min, std::int64_t max) const
    {
        const auto field = m_spec.find(key);
        if (!field)
            return {};
        SA_TRY(const auto elements, field->elements(kMaxCalibrationFiles));
        if (elements.empty())
            return field->wrong("a list of numbers");
        value.clear();
        for (const JsonField& element : elements) {
            SA_TRY(const auto number, element.asInt(min, max));
            value.push_back(static_cast<int>(number));
        }
        return {};
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
    Error missing(const char* key) const
    {
        return makeError(Errc::Usage, "a required field is missing").at(m_spec.path() + "." + key);
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

Result<JobSpec> parseQuantize(const SpecReader& reader)
{
    QuantizeSpec spec;
    SA_CHECK(reader.path("model", spec.model));
    SA_CHECK(reader.path("out", spec.out));
    if (reader.has("method"))
        SA_CHECK(reader.path("method", spec.method));
    SA_CHECK(reader.object("options", spec.options));
    SA_CHECK(reader.choice("mode", spec.mode, {"lat", "acc"}));
    SA_CHECK(reader.integer("bits", spec.bits, 1, 4));
    SA_CHECK(reader.paths("calibration", spec.calibration));
    SA_CHECK(reader.integer("samples", spec.samples, 1, 1'000'000));
    SA_CHECK(reader.integer("seqlen", spec.seqlen, 2, 1'000'000));
    SA_CHECK(reader.seed(spec.seed));
    SA_CHECK(reader.integer("rounds", spec.rounds, 0, 10'000));
    SA_CHECK(reader.integer("apot", spec.apot, 1, 3));
    SA_CHECK(reader.integer("group_rows", spec.groupRows, 1, kMaxInt));
    SA_CHECK(reader.fraction("damping", spec.damping));
    SA_CHECK(reader.flag("rescale", spec.rescale));
    SA_CHECK(reader.flag("rotate", spec.rotate));
    SA_CHECK(reader.flag("weighted_fit", spec.weightedFit));
    SA_CHECK(reader.integer("refinements", spec.refinements, 0, 100));
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

Result<JobSpec> parseEvaluate(const SpecReader& reader)
{
    EvaluateSpec spec;
    SA_CHECK(reader.path("model", spec.model));
    SA_CHECK(reader.path("ppl", spec.text));
    SA_CHECK(reader.choice("join", spec.join, {"none", "raw"}));
    SA_CHECK(reader.integer("seqlen", spec.seqlen, 2, 1'000'000));
    SA_CHECK(reader.integer("max_windows", spec.maxWindows, 1, kMaxInt));
    SA_CHECK(reader.threads(spec.threads));
    SA_CHECK(reader.device(spec.device));
    return JobSpec(std::move(spec));
}

Result<JobSpec> parseGenerate(const SpecReader& reader)
{
    GenerateSpec spec;
    SA_CHECK(reader.path("model", spec.model));
    SA_CHECK(reader.text("prompt", spec.prompt));
    SA_CHECK(reader.integer("max_tokens", spec.maxTokens, 0, 1'000'000));
    SA_CHECK(reader.flag("greedy", spec.greedy));
    SA_CHECK(reader.number("temperature", spec.temperature, 0.0, 100.0));
    SA_CHECK(reader.fraction("top_p", spec.topP));
    SA_CHECK(reader.seed(spec.seed));
    SA_CHECK(reader.threads(spec.threads));
    SA_CHECK(reader.device(spec.device));
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
    SA_CHECK(reader.integers("bits", spec.bits, 1, 4));
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

Json object(const QuantizeSpec& spec)
{
    return {{"model", spec.model},
            {"out", spec.out},
            {"method", spec.method},
            {"options", spec.options},
            {"mode", spec.mode},
            {"bits", spec.bits},
            {"calibration", spec.calibration},
            {"samples", spec.samples},
            {"seqlen", orNull(spec.seqlen)},
            {"seed", spec.seed},
            {"rounds", spec.rounds},
            {"apot", spec.apot},
            {"group_rows", orNull(spec.groupRows)},
            {"damping", spec.damping},
            {"rescale", orNull(spec.rescale)},
            {"rotate", orNull(spec.rotate)},
            {"weighted_fit", spec.weightedFit},
            {"refinements", orNull(spec.refinements)},
            {"drift_correction", spec.driftCorrection},
            {"threads", spec.threads},
            {"device", spec.device},
            {"resume", spec.resume},
            {"restart", spec.restart}};
}

Json object(const EvaluateSpec& spec)
{
    return {{"model", spec.model},
            {"ppl", spec.text},
            {"join", spec.join},
            {"seqlen", spec.seqlen},
            {"max_windows", orNull(spec.maxWindows)},
            {"threads", spec.threads},
            {"device", spec.device}};
}

Json object(const GenerateSpec& spec)
{
    return {{"model", spec.model},   {"prompt", spec.prompt},           {"max_tokens", spec.maxTokens},
            {"greedy", spec.greedy}, {"temperature", spec.temperature}, {"top_p", spec.topP},
            {"seed", spec.seed},     {"threads", spec.threads},         {"device", spec.device}};
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

std::vector<std::string> arguments(const QuantizeSpec& spec)
{
    const QuantizeSpec fallback;
    ArgumentList list("quantize");
    list.changed("--method", spec.method, fallback.method);
    for (const auto& [key, value] : spec.options.items())
        list.option("--set", key + "=" + optionText(value));
    if (spec.method == fallback.method)
        list.option("--mode", spec.mode);
    list.option("--bits", std::to_string(spec.bits));
    for (const std::string& path : spec.calibration)
        list.option("--calibration", path);
    list.changed("--samples", spec.samples, fallback.samples);
    list.changed("--seqlen", spec.seqlen, fallback.seqlen);
    list.changed("--seed", spec.seed, fallback.seed);
    list.changed("--rounds", spec.rounds, fallback.rounds);
    list.changed("--apot", spec.apot, fallback.apot);
    list.changed("--group-rows", spec.groupRows, fallback.groupRows);
    list.changed("--damping", spec.damping, fallback.damping);
    list.changed("--rescale", spec.rescale, fallback.rescale);
    list.changed("--rotate", spec.rotate, fallback.rotate);
    list.changed("--weighted-fit", spec.weightedFit, fallback.weightedFit);
    list.changed("--refinements", spec.refinements, fallback.refinements);
    list.changed("--drift-correction", spec.driftCorrection, fallback.driftCorrection);
    list.changed("--threads", spec.threads, fallback.threads);
    list.changed("--device", spec.device, fallback.device);
    list.flag("--resume", spec.resume);
    list.flag("--restart", spec.restart);
    return std::move(list).with({spec.model, spec.out});
}

std::vector<std::string> arguments(const EvaluateSpec& spec)
{
    const EvaluateSpec fallback;
    ArgumentList list("eval");
    list.option("--ppl", spec.text);
    list.changed("--join", spec.join, fallback.join);
    list.changed("--seqlen", spec.seqlen, fallback.seqlen);
    list.changed("--windows", spec.maxWindows, fallback.maxWindows);
    list.changed("--threads", spec.threads, fallback.threads);
    list.changed("--device", spec.device, fallback.device);
    return std::move(list).with({spec.model});
}

std::vector<std::string> arguments(const GenerateSpec& spec)
{
    const GenerateSpec fallback;
    ArgumentList list("generate");
    list.option("--prompt", spec.prompt);
    list.changed("--max-tokens", spec.maxTokens, fallback.maxTokens);
    list.flag("--greedy", spec.greedy);
    list.changed("--temperature", spec.temperature, fallback.temperature);
    list.changed("--top-p", spec.topP, fallback.topP);
    list.changed("--seed", spec.seed, fallback.seed);
    list.changed("--threads", spec.threads, fallback.threads);
    list.changed("--device", spec.device, fallback.device);
    return std::move(list).with({spec.model});
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
