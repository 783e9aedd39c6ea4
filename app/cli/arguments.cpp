// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/arguments.h"

#include "app/cli/allocate_options.h"
#include "app/cli/command_options.h"
#include "core/protocol/messages.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cctype>

namespace sa::cli
{

namespace
{

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
    bench.cpuPrecision();

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
