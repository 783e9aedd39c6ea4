// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/arguments.h"

#include "app/cli/allocate_options.h"
#include "core/protocol/messages.h"
#include "core/protocol/recipe.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <sstream>

namespace sa::cli
{

namespace
{

struct OptionName {
    const char* member;
    const char* option;
};
/// Members whose option is not "--" and the member with dashes.
constexpr OptionName kOptionNames[] = {{"model", "MODEL"},   {"options", "--set"}, {"messages", "--message"},
                                       {"out", "OUT"},       {"reference", "DIR"}, {"max_windows", "--windows"},
                                       {"save_to", "--out"}, {"shapes", "--shape"}};

std::string optionFor(const std::string& member)
{
    for (const OptionName& known : kOptionNames)
        if (member == known.member)
            return known.option;
    std::string option = "--" + member;
    std::replace(option.begin() + 2, option.end(), '_', '-');
    return option;
}

/// A whole number or a decimal fraction as such; anything else stays text, which parseJobSpec refuses with the range.
Json numberOrText(const std::string& text)
{
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    std::int64_t integer = 0;
    if (const auto [rest, code] = std::from_chars(begin, end, integer); code == std::errc() && rest == end)
        return integer;
    double real = 0;
    if (const auto [rest, code] = std::from_chars(begin, end, real);
        code == std::errc() && rest == end && std::isfinite(real))
        return real;
    return text;
}

/// true, false, a number, a text in quotes, or a text as it is.
Json settingValue(const std::string& text)
{
    if (text == "true" || text == "false")
        return text == "true";
    if (text.size() >= 2 && text.front() == '"')
        if (auto quoted = json::parse(text, "--set"); quoted && quoted->is_string())
            return *std::move(quoted);
    return numberOrText(text);
}

/// One subcommand: options write into the spec of the job, under the member's name.
class Command
{
public:
    Command(CLI::App& parent, const char* kind, const char* commandName, const char* summary, const char* examples)
        : m_kind(kind)
        , m_app(parent.add_subcommand(commandName, summary))
    {
        m_app->footer(std::string("Examples:\n") + examples);
        m_app->add_flag("--json", m_json, "Print one JSON object a line: events, then the result or the error");
    }
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;

    void path(const char* member, const char* help)
    {
        m_app->add_option_function<std::string>(optionFor(member), setText(member), help)->required()->type_name("");
    }
    void optionalPath(const char* member, const char* help)
    {
        m_app->add_option_function<std::string>(optionFor(member), setText(member), help)->type_name("");
    }
    CLI::Option* text(const char* member, const char* valueName, const std::string& help)
    {
        return add(member, setText(member), valueName, help);
    }
    void number(const char* member, const char* valueName, const std::string& help)
    {
        add(
            member, [this, member](const std::string& value) { m_spec[member] = numberOrText(value); }, valueName,
            help);
    }
    void flag(const char* member, const std::string& help)
    {
        m_app->add_flag_function(
            optionFor(member), [this, member](std::int64_t) { m_spec[member] = true; }, help);
    }
    /// Anything else stays text, which parseJobSpec refuses.
    void onOff(const char* member, const std::string& help)
    {
        const auto set = [this, member](const std::string& value) {
            m_spec[member] = value == "on" ? Json(true) : value == "off" ? Json(false) : Json(value);
        };
        add(member, set, "on|off", help);
    }
    /// A,B,C as an array: of whole numbers where they are, otherwise of texts.
    void list(const char* member, const char* valueName, const std::string& help)
    {
        const auto set = [this, member](const std::string& value) {
            Json& array = m_spec[member] = Json::array();
            std::istringstream in(value);
            for (std::string part; std::getline(in, part, ',');)
                array.push_back(numberOrText(part));
        };
        add(member, set, valueName, help);
    }
    /// ROLE=TEXT, repeated: turns of a conversation.
    void messages(const std::string& help)
    {
        const auto read = [this](const std::vector<std::string>& values) {
            Json& array = m_spec["messages"] = Json::array();
            for (const std::string& value : values) {
                const std::size_t equals = value.find('=');
                if (equals == 0 || equals == std::string::npos)
                    array.push_back(value); // parseJobSpec says what is expected
                else
                    array.push_back({{"role", value.substr(0, equals)}, {"content", value.substr(equals + 1)}});
            }
        };
        m_app->add_option_function<std::vector<std::string>>("--message", read, help)
            ->allow_extra_args(false)
            ->type_name("ROLE=TEXT");
    }
    void repeatable(const char* member, const char* valueName, const std::string& help)
    {
        m_app
            ->add_option_function<std::vector<std::string>>(
                optionFor(member), [this, member](const std::vector<std::string>& values) { m_spec[member] = values; },
                help)
            ->allow_extra_args(false)
            ->type_name(valueName);
    }
    /// KEY=VALUE, repeated: members of the object `member`.
    void settings(const char* member, const char* option, const std::string& help)
    {
        m_app
            ->add_option_function<std::vector<std::string>>(
                option, [this, member](const std::vector<std::string>& values) { readSettings(member, values); }, help)
            ->allow_extra_args(false)
            ->type_name("KEY=VALUE");
    }
    /// A file with members of the spec; the command line goes before it.
    void recipe(const std::string& help) { m_app->add_option("--recipe", m_recipe, help)->type_name("FILE"); }
    void threadsAndDevice()
    {
        number("threads", "N", "Threads; 0 takes all cores [0]");
        text("device", "DEVICE", "cpu, or cuda:0, cuda:1, ... [cpu]");
    }

    bool chosen() const { return m_app->parsed(); }
    bool json() const { return m_json; }
    Result<JobSpec> spec() const
    {
        if (!m_badSetting.empty())
            return makeError(Errc::Usage, "a setting has the form KEY=VALUE")
                .at("--set")
                .butFound(display(m_badSetting, 60))
                .tryThis("See shiftadd methods");
        if (m_recipe.empty())
            return parseJobSpec(m_kind, m_spec);
        SA_TRY(Json whole, readRecipe(m_recipe));
        whole.merge_patch(m_spec); // options of a method one by one
        return parseJobSpec(m_kind, whole);
    }

private:
    void readSettings(const char* member, const std::vector<std::string>& values)
    {
        Json& object = m_spec[member] = Json::object();
        for (const auto& setting : values) {
            const auto equals = setting.find('=');
            if (equals == 0 || equals == std::string::npos)
                m_badSetting = setting;
            else
                object[setting.substr(0, equals)] = settingValue(setting.substr(equals + 1));
        }
    }
    std::function<void(const std::string&)> setText(const char* member)
    {
        return [this, member](const std::string& value) { m_spec[member] = value; };
    }
    CLI::Option* add(const char* member, const std::function<void(const std::string&)>& set, const char* valueName,
                     const std::string& help)
    {
        return m_app->add_option_function<std::string>(optionFor(member), set, help)->type_name(valueName);
    }

    const char* m_kind;
    CLI::App* m_app;
    Json m_spec = Json::object();
    std::string m_recipe, m_badSetting;
    bool m_json = false;
};

/// A subcommand that needs no job: its options are the fields of a TokenizerCommand.
class TokenizerOptions
{
public:
    TokenizerOptions(CLI::App& parent, TokenizerCommand::Kind kind, const char* name, const char* summary,
                     const char* examples)
        : m_app(parent.add_subcommand(name, summary))
    {
        m_command.kind = kind;
        m_app->footer(std::string("Examples:\n") + examples);
        m_app->add_option("MODEL", m_command.model, "Folder of the model, or only its tokenizer files")
            ->required()
            ->type_name("");
        if (kind == TokenizerCommand::Kind::Tokenize) {
            m_app->add_option("--text", m_command.text, "Text to tokenize")->type_name("TEXT");
            m_app->add_option("--file", m_command.file, "File with the text to tokenize")->type_name("FILE");
            m_app->add_flag("--no-special", m_command.noSpecial, "Add no special tokens, such as a first <s>");
        } else {
            m_app->add_option("--ids", m_command.ids, "Token ids, with commas or spaces between them")
                ->required()
                ->type_name("N");
            m_app->add_flag("--no-special", m_command.noSpecial, "Leave special tokens out of the text");
        }
        m_app->add_flag("--json", m_command.json, "Print one JSON object");
    }
    TokenizerOptions(const TokenizerOptions&) = delete;
    TokenizerOptions& operator=(const TokenizerOptions&) = delete;

    bool chosen() const { return m_app->parsed(); }
    const TokenizerCommand& command() const { return m_command; }

private:
    CLI::App* m_app;
    TokenizerCommand m_command;
};

std::string withDefault(const char* help, const Json& value)
{
    return std::string(help) + " [" + (value.is_string() ? value.get<std::string>() : json::dump(value)) + "]";
}

/// What quantize and analyze have in common.
void describeQuantizer(Command& command, const QuantizerOptions& fallback)
{
    command.text("mode", "MODE",
                 withDefault("Mode of shiftadd. lat: scales of 8 columns; acc: a scale a column", fallback.mode));
    command.repeatable("calibration", "FILE", "Calibration text; may be repeated [a bundled excerpt]");
    command.number("samples", "N", withDefault("Calibration windows", fallback.samples));
    command.number("seqlen", "N", "Tokens in a window [2048, or the model's context if shorter]");
    command.number("seed", "N", withDefault("Which windows are drawn", fallback.seed));
    command.number("rounds", "N", withDefault("Refinement rounds of the fit", fallback.rounds));
    command.number("apot", "1..3", withDefault("Powers of two in a scale", fallback.apot));
    command.number("group_rows", "N", "Rows that share a scale [lat: an eighth of the rows, acc: all]");
    command.number("damping", "X",
                   withDefault("Damping, as a fraction of the Hessian's mean diagonal", fallback.damping));
    command.onOff("rescale", "Power-of-two factors per input channel, against outliers [on]");
    command.onOff("rotate", "Rotate inputs and outputs by additions [on]");
    command.onOff("weighted_fit", "Fit scales to what errors cost, not to the weights alone [on]");
    command.number("refinements", "N", "Passes over scales and codes after the sweep [lat: 2, acc: 6]");
}

void describeAnalyze(Command& command)
{
    const AnalyzeSpec fallback;
    command.path("model", "Folder of the model (Hugging Face layout)");
    command.text("save_to", "FILE", "Write the sensitivity here (JSON), for shiftadd allocate");
    command.text("csv", "FILE", "Write it as a table, too: a row for each layer and width");
    command.list("bits", "LIST", "Widths to measure, with commas between them [1,2,3,4]");
    command.onOff("measure", "off: only what the weights alone say, within seconds [on]");
    command.text("downstream", "each|scaled|none",
                 withDefault("The model's damage: measured at each width; at one width and scaled to the others by "
                             "their errors; or not at all",
                             fallback.downstream));
    command.number("downstream_samples", "N",
                   withDefault("Windows that the damage is measured on", fallback.downstreamSamples));
    describeQuantizer(command, fallback);
    command.onOff("cache", "Take and leave results in the cache folder [on]");
    command.threadsAndDevice();
}

void describeQuantize(Command& command)
{
    const QuantizeSpec fallback;
    command.path("model", "Folder of the model (Hugging Face layout)");
    command.path("out", "Folder to write; must not exist, or be empty");
    command.text("method", "NAME", withDefault("How to quantize; see shiftadd methods", fallback.method));
    command.settings("options", "--set", "A parameter of the method; may be repeated");
    command.recipe("Read options from a JSON file, such as the recipe that a packed folder records; options of the "
                   "command line go before it");
    describeQuantizer(command, fallback);
    command.number("bits", "1..4", withDefault("Sign planes per weight", fallback.bits));
    command.number("head_bits", "16|8|4|3|2|1",
                   withDefault("Bits of the output head. 16: as it is; 8: bytes; fewer: planes as of any layer",
                               fallback.headBits));
    command.text("plan", "FILE", "Bits layer by layer, as shiftadd allocate writes them; goes before --bits");
    command.onOff("drift_correction", "Make up for what earlier layers lost [on]");
    command.threadsAndDevice();
    command.flag("resume", "Go on with an unfinished job of this OUT where it stopped, if there is one");
    command.flag("restart", "Discard an unfinished job of this OUT and start from the beginning");
}

void describeEvaluate(Command& command)
{
    const EvaluateSpec fallback;
    command.path("model", "Folder of the model, original or packed");
    command.text("ppl", "FILE", "Measure the perplexity on this text");
    command.text("join", "none|raw",
                 withDefault("raw: a raw WikiText file, joined as the literature does", fallback.join));
    command.number("seqlen", "N", withDefault("Tokens in a window", fallback.seqlen));
    command.number("max_windows", "N", "Stop after so many windows [all]");
    command.text("kld_against", "MODEL", "Also measure the divergence from this model on the text");
    command.onOff("noise_floor", "With it: what float16 arithmetic alone makes of that model [on]");
    command.list("tasks", "A,B", "Zero-shot tasks, such as arc_easy,piqa; all for all of them");
    command.number("limit", "N", "Take the first N items of each task [all]");
    command.text("data", "DIR", "Folder of the task files");
    command.text("harness_out", "DIR", "Write the tasks' results here in the format of lm-evaluation-harness");
    command.onOff("cache", "Take finished pieces of earlier runs, and keep those of this one [on]");
    command.threadsAndDevice();
}

void describeReport(Command& command)
{
    describeEvaluate(command);
    command.text("certificate", "FILE", "JSON file to write");
    command.text("html", "FILE", "Page to write, for browsers and printers");
    command.text("latency", "FILE", "Put in the result of shiftadd bench-latency --json");
    command.number("max_kl", "X", "Fail when the mean divergence is above X nats a token");
    command.number("max_ppl_increase", "X", "Fail when the perplexity is more than X % above the original's");
    command.number("max_accuracy_loss", "X",
                   "Fail when a task's accuracy is more than X percentage points below the original's");
    command.text("override", "REASON", "Pass a failed limit; the reason is recorded");
}

void describeLatency(Command& command)
{
    const LatencySpec fallback;
    command.path("model", "Folder of the model, original or packed");
    command.text("against", "MODEL", "A second model, measured in turns with the first");
    command.list("lengths", "N,N", "Tokens of the prompts [16,64,256]");
    command.number("decode", "N", withDefault("Tokens to decode after each prompt", fallback.decode));
    command.number("repeats", "N", withDefault("Measurements of each", fallback.repeats));
    command.number("warmup", "N", withDefault("Runs before them that do not count", fallback.warmup));
    command.threadsAndDevice();
}

void describeGenerate(Command& command)
{
    const GenerateSpec fallback;
    command.path("model", "Folder of the model, original or packed");
    command.text("prompt", "TEXT", "Text to continue");
    command.messages("A turn of a conversation (user=Hello), put into the model's chat template; may be repeated");
    command.number("max_tokens", "N", withDefault("Tokens to generate at most", fallback.maxTokens));
    command.flag("greedy", "Always take the most likely token");
    command.number("temperature", "X", withDefault("Sampling temperature; 0 is greedy", fallback.temperature));
    command.number("top_p", "X", withDefault("Sample from the likeliest tokens that sum up to X", fallback.topP));
    command.number("seed", "N", withDefault("Seed of the sampling", fallback.seed));
    command.repeatable("stop", "TEXT", "End before this text; may be repeated");
    command.number("top_k_logged", "N",
                   withDefault("Candidates to report with each token (--json)", fallback.topLogged));
    command.list("force_ids", "N,N", "Score these tokens instead of sampling");
    command.text("kld_against", "MODEL", "With --force-ids: also the divergence from this model at each token");
    command.threadsAndDevice();
}

/// CLI11 writes sentences; our messages are clauses that follow "Error:".
std::string asClause(std::string text)
{
    const bool startsSentence = text.size() > 1 && std::isupper(static_cast<unsigned char>(text[0])) &&
                                !std::isupper(static_cast<unsigned char>(text[1]));
    if (startsSentence)
        text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    return text;
}

/// CLI11 would only say that a subcommand is missing.
Error missingCommand(const CLI::App& app, const std::vector<std::string>& arguments)
{
    const auto isWord = [](const std::string& argument) { return argument.empty() || argument.front() != '-'; };
    const auto word = std::find_if(arguments.begin(), arguments.end(), isWord);
    std::string known;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
        known += (known.empty() ? "" : ", ") + command->get_name();
    Error error = makeError(Errc::Usage, word == arguments.end() ? "a command is required" : "there is no such command")
                      .wanted(known)
                      .tryThis("See shiftadd --help");
    if (word != arguments.end())
        error.found = *word;
    return error;
}

Error usageError(const CLI::ParseError& error, const CLI::App& app, const std::vector<std::string>& arguments)
{
    const auto chosen = app.get_subcommands();
    if (chosen.empty())
        return missingCommand(app, arguments);
    const std::string help = "shiftadd " + chosen.front()->get_name() + " --help";
    return makeError(Errc::Usage, asClause(error.what())).tryThis("See " + help);
}

Result<Arguments> parseWith(CLI::App& app, const std::vector<std::string>& arguments,
                            const std::vector<const Command*>& commands,
                            const std::vector<const TokenizerOptions*>& tokenizerCommands,
                            const AllocateOptions& allocate)
{
    try {
        app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend())); // CLI11 takes them from the back
    } catch (const CLI::Success& success) {
        std::ostringstream out, err;
        app.exit(success, out, err);
        return Arguments(Printout{out.str()});
    } catch (const CLI::ParseError& error) {
        return usageError(error, app, arguments);
    }
    for (const Command* command : commands) {
        if (!command->chosen())
            continue;
        auto spec = command->spec();
        if (!spec)
            return inOptionNames(std::move(spec).error());
        return Arguments(Invocation{*std::move(spec), command->json()});
    }
    for (const TokenizerOptions* options : tokenizerCommands)
        if (options->chosen())
            return Arguments(options->command());
    if (allocate.chosen())
        return Arguments(allocate.command());
    return makeError(Errc::Usage, "a command is required").tryThis("See shiftadd --help");
}

} // namespace

Result<Arguments> parseArguments(const std::vector<std::string>& arguments)
{
    CLI::App app("Compresses language models into sign planes with power-of-two scales, and runs them.", "shiftadd");
    app.set_version_flag("--version", std::string("shiftadd ") + buildVersion());
    app.require_subcommand(1);
    bool json = false;
    app.add_flag("--json", json, "As in every command: one JSON object a line");
    app.footer("Exit status: 0 done, 1 the job failed, 2 wrong usage, 3 unusable input, 130 cancelled.\n"
               "MODEL is an original or a packed folder. `shiftadd COMMAND --help` shows options and examples.");

    Command info(app, "open", "info", "Show what a model consists of",
                 "  shiftadd info models/llama2-6m\n"
                 "  shiftadd info --json packed-3bit\n"
                 "  shiftadd info packed-3bit --energy paper --context 512\n");
    info.path("model", "Folder of the model, original or packed");
    info.text("energy", "paper|published",
              withDefault("Unit energies: Table 1 of the paper, or the usual published ones", OpenSpec().energy));
    info.number("context", "N", "Positions that the counted token attends to [2048, or the model's if fewer]");

    Command quantize(
        app, "quantize", "quantize", "Compress a model into a packed folder",
        "  shiftadd quantize models/llama2-6m packed-3bit --bits 3\n"
        "  shiftadd quantize models/llama2-6m out --bits 2 --calibration text.txt --samples 32 --seqlen 512\n"
        "  shiftadd quantize models/llama2-6m out --method optq --bits 2 --set act_order=true\n"
        "  shiftadd quantize models/llama2-6m packed-mixed --plan plan.json\n"
        "  shiftadd quantize models/llama2-6m packed-3bit --bits 3 --resume\n");
    describeQuantize(quantize);

    Command analyze(app, "analyze", "analyze", "Measure how much each layer suffers at each bit width",
                    "  shiftadd analyze models/llama2-6m --out sensitivity.json\n"
                    "  shiftadd analyze models/llama2-6m --out s.json --csv s.csv --bits 2,3,4 --downstream scaled\n");
    describeAnalyze(analyze);

    Command evaluate(app, "evaluate", "eval", "Measure the quality of a model on a text and on zero-shot tasks",
                     "  shiftadd eval packed-3bit --ppl wiki.test.raw --join raw --seqlen 512\n"
                     "  shiftadd eval packed-3bit --ppl notes.txt --windows 10 --kld-against models/llama2-6m\n"
                     "  shiftadd eval packed-3bit --tasks arc_easy,piqa --limit 100\n");
    describeEvaluate(evaluate);

    Command generate(app, "generate", "generate", "Continue a text",
                     "  shiftadd generate packed-3bit --prompt \"The old lighthouse\" --max-tokens 64\n"
                     "  shiftadd generate packed-3bit --prompt \"1, 2, 3,\" --greedy --json\n");
    describeGenerate(generate);

    Command latency(app, "latency", "bench-latency", "Measure speed, memory and energy, of two models in turns",
                    "  shiftadd bench-latency packed-3bit --against models/llama2-6m --lengths 16,256\n");
    describeLatency(latency);

    Command report(app, "report", "report", "Measure a model and write it all on one page",
                   "  shiftadd report packed-3bit --kld-against models/llama2-6m --ppl notes.txt --html report.html\n"
                   "  shiftadd report packed-3bit --kld-against models/llama2-6m --ppl notes.txt --max-kl 0.05\n"
                   "Exit status 3 when a limit is exceeded.");
    describeReport(report);

    Command exportCommand(app, "export", "export", "Write a packed model as a dense one for other programs",
                          "  shiftadd export packed-3bit dense-3bit --format hf-fp16\n"
                          "  shiftadd export packed-3bit opt-6.7b --format reference-pt\n");
    exportCommand.path("model", "Packed folder");
    exportCommand.path("out", "Folder to write; must not exist, or be empty");
    exportCommand.text(
        "format", "FORMAT",
        withDefault("hf-fp16: float16 in Hugging Face layout; reference-pt: one PyTorch file a layer, as "
                    "the reference implementation has them",
                    ExportSpec().format));
    exportCommand.text("certificate", "FILE",
                       "Put this certificate of a report into the folder; stop where a limit is exceeded");

    Command verify(app, "verify", "verify", "Check every tensor of a packed folder", "  shiftadd verify packed-3bit\n");
    verify.path("model", "Packed folder");

    Command doctor(app, "doctor", "doctor", "Check whether a folder will open, run and quantize on this machine",
                   "  shiftadd doctor downloads/some-model\n"
                   "  shiftadd doctor --json downloads/some-model\n"
                   "Exit status 3 when a check failed.");
    doctor.path("model", "Folder of the model, original or packed");

    Command addOutliers(
        app, "add_outliers", "add-outliers",
        "Write a variant of a model that computes the same and has outlier channels, as large models do",
        "  shiftadd add-outliers models/llama2-6m llama2-6m-outliers\n");
    addOutliers.path("model", "Folder of the model");
    addOutliers.path("out", "Folder to write; must not exist, or be empty");
    const AddOutliersSpec outliers;
    addOutliers.number("channels", "N", withDefault("Channels of each norm", outliers.channels));
    addOutliers.number("factor", "X",
                       withDefault("On the norm's gain; the columns behind it are divided", outliers.factor));
    addOutliers.number("seed", "N", withDefault("Which channels", outliers.seed));

    Command bench(
        app, "bench", "bench",
        "Measure a model token by token, or the packed product on weight shapes, beside memory and dense weights",
        "  shiftadd bench packed-3bit --device cuda:0\n"
        "  shiftadd bench --config models/Llama-2-70b/config.json --bits 3 --device cuda:0\n"
        "  shiftadd bench --shape 4096,11008 --bits 2,3,4\n"
        "  shiftadd bench --shape 28672,8192 --shape 8192,28672 --geometry acc --device cuda:0 --json\n");
    const BenchSpec shapes;
    bench.optionalPath("model", "Folder of a model to measure");
    bench.text("config", "FILE", "Measure a model of random weights with the shape of this config.json");
    bench.number("context", "N", withDefault("With a model: tokens in the cache before", shapes.context));
    bench.number("decode", "N", withDefault("With a model: tokens of a measurement", shapes.decode));
    bench.repeatable("shapes", "N,K", "Rows and columns; may be repeated");
    bench.list("bits", "Q,...", "Sign planes per weight [3]");
    bench.text("geometry", "lat|acc", withDefault("Scales as quantize makes them in this mode", shapes.geometry));
    bench.number("group_rows", "N", "Rows that share a scale [lat: an eighth of the rows, acc: all]");
    bench.number("tokens", "1..8", withDefault("Tokens that are multiplied together", shapes.tokens));
    bench.number("repeats", "N", withDefault("Measurements, of which the median is shown", shapes.repeats));
    bench.number("seed", "N", withDefault("Of weights and activations", shapes.seed));
    bench.threadsAndDevice();

    const Command methods(app, "methods", "methods", "List the quantization methods and their parameters",
                          "  shiftadd methods --json\n"
                          "  SA_PLUGIN_PATH=~/my-methods shiftadd methods\n");

    const TokenizerOptions tokenize(app, TokenizerCommand::Kind::Tokenize, "tokenize",
                                    "Show the tokens that a text becomes",
                                    "  shiftadd tokenize models/llama2-6m --text \"The old lighthouse\"\n"
                                    "  shiftadd tokenize models/llama2-6m --file notes.txt --no-special --json\n");
    const TokenizerOptions detokenize(app, TokenizerCommand::Kind::Detokenize, "detokenize",
                                      "Show the text of token ids",
                                      "  shiftadd detokenize models/llama2-6m --ids 1,302,2038\n"
                                      "  shiftadd detokenize models/llama2-6m --ids 1 302 2038 --json\n");

    const AllocateOptions allocate(app);

    Command importCommand(
        app, "import_reference", "import-reference", "Make a packed model of the reference implementation's files",
        "  shiftadd import-reference Llama-2-7b-wbits2-lat packed-2bit --base models/Llama-2-7b-hf\n");
    importCommand.path("reference", "Folder of MODEL_BLOCK.MODULE_BITSbit.pt files (mode lat)");
    importCommand.path("out", "Folder to write; must not exist, or be empty");
    importCommand.text("base", "MODEL", "The original model that they were made from")->required();

    auto parsed = parseWith(app, arguments,
                            {&info, &quantize, &analyze, &evaluate, &generate, &exportCommand, &verify, &doctor,
                             &importCommand, &methods, &addOutliers, &latency, &report, &bench},
                            {&tokenize, &detokenize}, allocate);
    if (auto* invocation = parsed ? std::get_if<Invocation>(&*parsed) : nullptr)
        invocation->json = invocation->json || json;
    if (auto* command = parsed ? std::get_if<TokenizerCommand>(&*parsed) : nullptr)
        command->json = command->json || json;
    if (auto* command = parsed ? std::get_if<AllocateCommand>(&*parsed) : nullptr)
        command->json = command->json || json;
    return parsed;
}

bool wantsJson(const std::vector<std::string>& arguments)
{
    const auto end = std::find(arguments.begin(), arguments.end(), "--");
    return std::find(arguments.begin(), end, "--json") != end;
}

Error inOptionNames(Error error)
{
    if (error.code != Errc::Usage)
        return error;
    const std::string prefix = "spec.";
    const bool isFromParser = error.where.rfind(prefix, 0) == 0;
    const std::string whole = error.where.substr(isFromParser ? prefix.size() : 0);
    std::string member = whole;
    member.erase(std::min(member.size(), member.find_first_of(".[")));
    if (member.empty() || member.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") != std::string::npos)
        return error;
    error.where = optionFor(member);
    if (member == "options" && !isFromParser) // "options.bits" of a method: the parameter is what to name
        error.where += " " + whole.substr(std::min(whole.size(), member.size() + 1));
    if (isFromParser && !error.found.empty())
        error.message = "this value cannot be used";
    return error;
}

} // namespace sa::cli
