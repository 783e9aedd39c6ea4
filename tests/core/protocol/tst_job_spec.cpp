// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/protocol/job_spec.h"

#include "app/cli/arguments.h"
#include "core/protocol/recipe.h"

#include <QFile>
#include <QTemporaryDir>
#include <QTest>

#include <limits>

using namespace sa;

namespace
{

/// The smallest valid spec of each kind.
Json minimal(const std::string& kind)
{
    Json spec{{"model", "/models/m"}};
    if (kind == "quantize" || kind == "export")
        spec["out"] = "/out";
    if (kind == "evaluate" || kind == "report")
        spec["ppl"] = "/text";
    if (kind == "generate")
        spec["prompt"] = "Once";
    return spec;
}

const char* const kKinds[] = {"open",   "quantize", "evaluate", "generate", "export",
                              "verify", "analyze",  "latency",  "report"};

QString quoted(const std::vector<std::string>& arguments)
{
    QStringList out;
    for (const auto& argument : arguments)
        out << '\'' + QString::fromStdString(argument) + '\'';
    return out.join(' ');
}

EvaluateSpec textOnly()
{
    EvaluateSpec spec;
    spec.model = "m";
    spec.text = "t";
    return spec;
}

void addSpecs()
{
    QTest::addColumn<JobSpec>("spec");
    const auto row = [](const char* name, const JobSpec& spec) { QTest::addRow("%s", name) << spec; };
    row("open", OpenSpec{"/models/m"});
    row("open with nothing at its default", OpenSpec{"m", "paper", 7});
    row("a path that looks like an option", OpenSpec{"--json"});
    row("a path that is a command", VerifySpec{"export"});
    row("a path with everything in it", OpenSpec{"a b\"c'd\n$(e)`f`*%1[g]\xE2\x80\xAE"});
    QuantizeSpec quantize;
    quantize.model = "m";
    quantize.out = "o";
    row("quantize with defaults", quantize);
    quantize.bits = 1;
    quantize.calibration = {"one.txt", "-two.txt", "[three,four]"};
    quantize.samples = 1'000'000;
    quantize.seqlen = 2;
    quantize.seed = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    quantize.rounds = 0;
    quantize.apot = 1;
    quantize.groupRows = std::numeric_limits<std::int32_t>::max();
    quantize.damping = 1e-7;
    quantize.threads = 1024;
    quantize.device = "cuda:12";
    quantize.resume = true;
    row("quantize with nothing at its default", quantize);
    quantize.resume = false;
    quantize.restart = true;
    row("quantize over an unfinished job", quantize);
    quantize.restart = false;
    quantize.method = "optq";
    quantize.options = {{"act_order", true}, {"bits", 2},       {"damping", 0.5},      {"way", "left"},
                        {"word", "true"},    {"digits", "0.5"}, {"other", "a \"b\"=c"}};
    row("quantize with a method from a plugin", quantize);
    row("methods", MethodsSpec());
    AddOutliersSpec outliers{"m", "o"};
    row("add outliers", outliers);
    outliers.channels = 7;
    outliers.factor = 2.5;
    outliers.seed = 3;
    row("add outliers with nothing at its default", outliers);
    quantize.method = "shiftadd";
    quantize.options = Json::object();
    quantize.plan = "a plan.json";
    row("quantize after a plan", quantize);
    AnalyzeSpec analyze;
    analyze.model = "m";
    row("analyze with defaults", analyze);
    analyze.mode = "acc";
    analyze.bits = {2, 4};
    analyze.calibration = {"one.txt"};
    analyze.samples = 3;
    analyze.seqlen = 64;
    analyze.seed = 9;
    analyze.damping = 0.5;
    analyze.rescale = false;
    analyze.refinements = 0;
    analyze.measure = false;
    analyze.downstream = "scaled";
    analyze.downstreamSamples = 5;
    analyze.saveTo = "-s.json";
    analyze.csv = "s.csv";
    analyze.cache = false;
    analyze.threads = 2;
    analyze.device = "cuda:1";
    row("analyze with nothing at its default", analyze);
    BenchSpec bench;
    bench.shapes = {"4096,11008"};
    row("bench", bench);
    bench.shapes.push_back("8,9");
    bench.bits = {2, 3, 4};
    bench.geometry = "acc";
    bench.groupRows = 16;
    bench.tokens = 8;
    bench.repeats = 3;
    bench.seed = 9;
    bench.threads = 2;
    bench.device = "cuda:1";
    bench.cpuPrecision = "fast";
    row("bench with nothing at its default", bench);
    BenchSpec whole;
    whole.model = "models/m";
    row("bench of a model", whole);
    whole.model.clear();
    whole.config = "config.json";
    whole.context = 9;
    whole.decode = 10;
    row("bench of a shape", whole);
    EvaluateSpec evaluate;
    evaluate.model = "m";
    evaluate.text = "t";
    row("evaluate with defaults", evaluate);
    evaluate.join = "raw";
    evaluate.seqlen = 1'000'000;
    evaluate.maxWindows = 1;
    evaluate.threads = 1;
    evaluate.device = "cuda:0";
    evaluate.reference = "original";
    evaluate.noiseFloor = false;
    evaluate.tasks = {"arc_easy", "mmlu"};
    evaluate.limit = 3;
    evaluate.data = "data";
    evaluate.harness = "-out";
    evaluate.cache = false;
    row("evaluate with nothing at its default", evaluate);
    ReportSpec report{evaluate, "r.json", "r.html", "latency.json", 0.05, 3.0, 1.5, "because"};
    row("report with nothing at its default", report);
    row("report with defaults", ReportSpec{textOnly()});
    evaluate.cpuPrecision = "fast"; // not of a report: a certificate is of the exact product
    row("evaluate the fast product", evaluate);
    EvaluateSpec tasksOnly;
    tasksOnly.model = "m";
    tasksOnly.tasks = {"copa"};
    row("evaluate tasks only", tasksOnly);
    row("latency with defaults", LatencySpec{"m"});
    row("latency with nothing at its default", LatencySpec{"m", "o", {7}, 3, 2, 0, 5, "cuda:0", "fast"});
    GenerateSpec generate;
    generate.model = "m";
    row("generate from an empty prompt", generate);
    generate.prompt = "-5 + \"7\" =\n\t[INST] x [/INST]";
    generate.maxTokens = 0;
    generate.greedy = true;
    generate.temperature = 0.1;
    generate.topP = 0.3;
    generate.seed = 42;
    generate.threads = 3;
    generate.device = "cuda:0";
    generate.cpuPrecision = "fast";
    generate.stop = {"\n\n", "User:"};
    generate.topLogged = 5;
    row("generate with nothing at its default", generate);
    GenerateSpec forced;
    forced.model = "m";
    forced.prompt = "x";
    forced.forceIds = {1, 0, 2147483647};
    forced.reference = "original";
    row("generate along given tokens", forced);
    GenerateSpec chat;
    chat.model = "m";
    chat.messages = {{"system", "Be brief."}, {"user", "-a=b\nc"}, {"assistant", ""}};
    row("generate an answer", chat);
    generate.prompt = "info";
    row("a prompt that is a command", generate);
    generate.prompt = "[a,b]";
    row("a prompt that looks like a list", generate);
    row("export", ExportSpec{"m", "-o", "hf-fp16"});
    row("export with a certificate", ExportSpec{"m", "o", "hf-fp16", "certificate.json"});
    row("export for the reference", ExportSpec{"m", "o", "reference-pt"});
    row("verify", VerifySpec{"m"});
    row("import", ImportReferenceSpec{"reference", "base model", "out"});
    row("import with paths that look like options", ImportReferenceSpec{"-r", "--base", "-o"});
}

} // namespace

Q_DECLARE_METATYPE(sa::JobSpec)

class TestJobSpec : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void everySpecSurvivesJson_data() { addSpecs(); }
    void everySpecSurvivesJson()
    {
        QFETCH(JobSpec, spec);
        const auto back = parseJobSpec(kindOf(spec), toJson(spec));
        QVERIFY2(back, back ? "" : back.error().sentence().c_str());
        QVERIFY(*back == spec);
    }

    void everySpecSurvivesItsCommandLine_data() { addSpecs(); }
    void everySpecSurvivesItsCommandLine()
    {
        QFETCH(JobSpec, spec);
        auto arguments = commandLine(spec);
        QCOMPARE(arguments.front(), std::string("shiftadd"));
        const QString shown = quoted(arguments);
        arguments.erase(arguments.begin());
        const auto parsed = cli::parseArguments(arguments);
        QVERIFY2(parsed, qPrintable(shown + ": " + (parsed ? "" : parsed.error().sentence().c_str())));
        const auto* invocation = std::get_if<cli::Invocation>(&*parsed);
        QVERIFY2(invocation, qPrintable(shown));
        QVERIFY2(invocation->spec == spec, qPrintable(shown));
        QVERIFY(!invocation->json);
    }

    void aMinimalSpecTakesTheDefaults()
    {
        for (const char* kind : kKinds) {
            const auto spec = parseJobSpec(kind, minimal(kind));
            QVERIFY2(spec, spec ? "" : spec.error().sentence().c_str());
            QCOMPARE(kindOf(*spec), kind);
        }
        const auto quantize = parseJobSpec("quantize", minimal("quantize"));
        QuantizeSpec expected;
        expected.model = "/models/m";
        expected.out = "/out";
        QVERIFY(std::get<QuantizeSpec>(*quantize) == expected);
    }

    void nullTakesTheDefaultAndUnknownMembersAreIgnored()
    {
        Json spec = minimal("quantize");
        for (const char* key : {"mode", "bits", "calibration", "samples", "seqlen", "seed", "rounds", "apot", "method",
                                "options", "group_rows", "damping", "threads", "device"})
            spec[key] = nullptr;
        spec["future"] = {{"x", 1}};
        const auto parsed = parseJobSpec("quantize", spec);
        QVERIFY(parsed);
        QVERIFY(*parsed == *parseJobSpec("quantize", minimal("quantize")));
    }

    void limitsAreInclusive_data()
    {
        QTest::addColumn<QByteArray>("kind");
        QTest::addColumn<QByteArray>("key");
        QTest::addColumn<double>("least");
        QTest::addColumn<double>("most");
        const auto row = [](const char* kind, const char* key, double least, double most) {
            QTest::addRow("%s %s", kind, key) << QByteArray(kind) << QByteArray(key) << least << most;
        };
        constexpr double maxInt = std::numeric_limits<std::int32_t>::max();
        row("open", "context", 1, maxInt);
        row("quantize", "bits", 1, 4);
        row("quantize", "samples", 1, 1e6);
        row("quantize", "seqlen", 2, 1e6);
        row("quantize", "rounds", 0, 10000);
        row("quantize", "apot", 1, 3);
        row("quantize", "group_rows", 1, maxInt);
        row("quantize", "threads", 0, 1024);
        row("evaluate", "seqlen", 2, 1e6);
        row("evaluate", "max_windows", 1, maxInt);
        row("evaluate", "threads", 0, 1024);
        row("evaluate", "limit", 1, maxInt);
        row("generate", "top_k_logged", 0, 100);
        row("latency", "decode", 1, 100'000);
        row("latency", "repeats", 1, 10'000);
        row("latency", "warmup", 0, 10'000);
        row("generate", "max_tokens", 0, 1e6);
        row("generate", "threads", 0, 1024);
    }

    void limitsAreInclusive()
    {
        QFETCH(QByteArray, kind);
        QFETCH(QByteArray, key);
        QFETCH(double, least);
        QFETCH(double, most);
        const auto verdict = [&](const Json& value) {
            Json spec = minimal(kind.toStdString());
            spec[key.toStdString()] = value;
            return parseJobSpec(kind.toStdString(), spec);
        };
        const auto integer = [](double value) { return Json(static_cast<std::int64_t>(value)); };
        QVERIFY(verdict(integer(least)));
        QVERIFY(verdict(integer(most)));
        for (const Json& wrong : {integer(least - 1), integer(most + 1), Json(least + 0.5), Json("3"), Json(true),
                                  Json::array({3}), Json(std::numeric_limits<std::uint64_t>::max())}) {
            const auto refused = verdict(wrong);
            QVERIFY2(!refused, json::dump(wrong).c_str());
            QCOMPARE(refused.error().code, Errc::Usage);
            QCOMPARE(refused.error().where, "spec." + key.toStdString());
            QVERIFY(!refused.error().found.empty());
            QVERIFY(QString::fromStdString(refused.error().expected)
                        .contains(QString::number(static_cast<std::int64_t>(most))));
        }
    }

    void unusableValuesAreNamed_data()
    {
        QTest::addColumn<QByteArray>("kind");
        QTest::addColumn<QByteArray>("patch"); ///< members that replace those of the minimal spec
        QTest::addColumn<QByteArray>("where");
        const auto row = [](const char* name, const char* kind, const char* patch, const char* where) {
            QTest::addRow("%s", name) << QByteArray(kind) << QByteArray(patch) << QByteArray(where);
        };
        row("resume and restart at once", "quantize", R"({"resume":true,"restart":true})", "spec.restart");
        row("resume that is a text", "quantize", R"({"resume":"yes"})", "spec.resume");
        row("no model", "open", R"({"model":null})", "spec.model");
        row("an empty model path", "open", R"({"model":""})", "spec.model");
        row("a model that is a number", "open", R"({"model":3})", "spec.model");
        row("a model path with a NUL", "open", R"({"model":"a\u0000b"})", "spec.model");
        row("an unknown energy table", "open", R"({"energy":"nominal"})", "spec.energy");
        for (const char* kind : {"evaluate", "generate", "latency"})
            row(kind, kind, R"({"cpu_precision":"14"})", "spec.cpu_precision");
        row("no output folder", "quantize", R"({"out":null})", "spec.out");
        row("an unknown mode", "quantize", R"({"mode":"acc2"})", "spec.mode");
        row("a mode that is a number", "quantize", R"({"mode":1})", "spec.mode");
        row("calibration that is a text", "quantize", R"({"calibration":"x"})", "spec.calibration");
        row("an empty calibration path", "quantize", R"({"calibration":["a",""]})", "spec.calibration[1]");
        row("a calibration path with a NUL", "quantize", R"({"calibration":["a\u0000"]})", "spec.calibration[0]");
        row("a negative seed", "quantize", R"({"seed":-1})", "spec.seed");
        row("a seed of 2^63", "quantize", R"({"seed":9223372036854775808})", "spec.seed");
        row("a method without a name", "quantize", R"({"method":""})", "spec.method");
        row("options that are a list", "quantize", R"({"options":[1]})", "spec.options");
        row("no damping at all", "quantize", R"({"damping":0})", "spec.damping");
        row("damping above one", "quantize", R"({"damping":1.01})", "spec.damping");
        row("negative damping", "quantize", R"({"damping":-0.1})", "spec.damping");
        row("damping that is a text", "quantize", R"({"damping":"0.1"})", "spec.damping");
        row("an unknown device", "quantize", R"({"device":"tpu"})", "spec.device");
        row("a device without number", "quantize", R"({"device":"cuda:"})", "spec.device");
        row("a device with a padded number", "quantize", R"({"device":"cuda:01"})", "spec.device");
        row("a device with a suffix", "quantize", R"({"device":"cuda:0x"})", "spec.device");
        row("a device with a long number", "quantize", R"({"device":"cuda:10000000000"})", "spec.device");
        row("no width to measure", "analyze", R"({"bits":[]})", "spec.bits");
        row("a width twice", "analyze", R"({"bits":[2,2]})", "spec.bits");
        row("a width beyond four", "analyze", R"({"bits":[2,5]})", "spec.bits[1]");
        row("an unknown way to measure damage", "analyze", R"({"downstream":"some"})", "spec.downstream");
        row("a plan that is a number", "quantize", R"({"plan":3})", "spec.plan");
        row("no text to evaluate", "evaluate", R"({"ppl":null})", "spec.ppl");
        row("an unknown join", "evaluate", R"({"join":"cooked"})", "spec.join");
        row("divergence without a text", "evaluate", R"({"ppl":null,"tasks":["copa"],"kld_against":"o"})", "spec.ppl");
        row("a task that is a number", "evaluate", R"({"tasks":[3]})", "spec.tasks[0]");
        row("a limit of nothing", "evaluate", R"({"limit":0})", "spec.limit");
        row("a prompt and messages", "generate", R"({"messages":[{"role":"user","content":"x"}]})", "spec.messages");
        row("a message without a role", "generate", R"({"prompt":null,"messages":[{"content":"x"}]})",
            "spec.messages[0].role");
        row("divergence without tokens", "generate", R"({"kld_against":"o"})", "spec.kld_against");
        row("a negative token", "generate", R"({"force_ids":[-1]})", "spec.force_ids[0]");
        row("too many candidates", "generate", R"({"top_k_logged":101})", "spec.top_k_logged");
        row("no prompt", "generate", R"({"prompt":null})", "spec.prompt");
        row("a prompt with a NUL", "generate", R"({"prompt":"\u0000"})", "spec.prompt");
        row("greedy that is a number", "generate", R"({"greedy":1})", "spec.greedy");
        row("a negative temperature", "generate", R"({"temperature":-0.1})", "spec.temperature");
        row("a temperature above 100", "generate", R"({"temperature":100.5})", "spec.temperature");
        row("top-p of nothing", "generate", R"({"top_p":0})", "spec.top_p");
        row("top-p above one", "generate", R"({"top_p":1.5})", "spec.top_p");
        row("an unknown export format", "export", R"({"format":"gguf"})", "spec.format");
        row("no folder to verify", "verify", R"({"model":null})", "spec.model");
    }

    void unusableValuesAreNamed()
    {
        QFETCH(QByteArray, kind);
        QFETCH(QByteArray, patch);
        QFETCH(QByteArray, where);
        Json spec = minimal(kind.toStdString());
        spec.update(Json::parse(patch.toStdString()));
        const auto parsed = parseJobSpec(kind.toStdString(), spec);
        QVERIFY(!parsed);
        QCOMPARE(parsed.error().code, Errc::Usage);
        QCOMPARE(parsed.error().where, where.toStdString());
    }

    void anUnknownKindAndASpecThatIsNoObjectAreUsageErrors()
    {
        const auto unknown = parseJobSpec("levitate", Json::object());
        QVERIFY(!unknown);
        QCOMPARE(unknown.error().code, Errc::Usage);
        QCOMPARE(unknown.error().found, std::string("levitate"));
        for (const Json& spec : {Json(3), Json("x"), Json::array()}) {
            const auto parsed = parseJobSpec("open", spec);
            QVERIFY(!parsed);
            QCOMPARE(parsed.error().code, Errc::Usage);
            QCOMPARE(parsed.error().where, std::string("spec"));
        }
    }

    void theCommandLineShowsOnlyWhatDiffersFromTheDefaults()
    {
        QuantizeSpec spec;
        spec.model = "m";
        spec.out = "o";
        QCOMPARE(quoted(commandLine(spec)), QString("'shiftadd' 'quantize' '--mode' 'lat' '--bits' '3' 'm' 'o'"));
        spec.seed = 5;
        QVERIFY(quoted(commandLine(spec)).contains("'--seed' '5'"));
    }

    void wrongCommandLinesNameTheOption_data()
    {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<QString>("mentions");
        QTest::addRow("nothing") << QStringList{} << "a command is required";
        QTest::addRow("an unknown command") << QStringList{"levitate", "m"} << "levitate";
        QTest::addRow("no model") << QStringList{"info"} << "MODEL";
        QTest::addRow("one folder too many") << QStringList{"info", "a", "b"} << "b";
        QTest::addRow("an unknown option") << QStringList{"info", "m", "--levitate"} << "--levitate";
        QTest::addRow("no output folder") << QStringList{"quantize", "m"} << "OUT";
        QTest::addRow("bits that are no number") << QStringList{"quantize", "m", "o", "--bits", "three"} << "--bits";
        QTest::addRow("a fraction of a bit") << QStringList{"quantize", "m", "o", "--bits", "2.5"} << "--bits";
        QTest::addRow("five bits") << QStringList{"quantize", "m", "o", "--bits", "5"} << "from 1 to 4";
        QTest::addRow("bits beyond 64 bits")
            << QStringList{"quantize", "m", "o", "--bits", "99999999999999999999"} << "--bits";
        QTest::addRow("bits with a unit") << QStringList{"quantize", "m", "o", "--bits", "3bit"} << "--bits";
        QTest::addRow("an option without its value") << QStringList{"quantize", "m", "o", "--bits"} << "--bits";
        QTest::addRow("an option given twice")
            << QStringList{"quantize", "m", "o", "--bits", "2", "--bits", "3"} << "--bits";
        QTest::addRow("a negative seed") << QStringList{"quantize", "m", "o", "--seed", "-1"} << "--seed";
        QTest::addRow("group rows of zero") << QStringList{"quantize", "m", "o", "--group-rows", "0"} << "--group-rows";
        QTest::addRow("a setting without a value") << QStringList{"quantize", "m", "o", "--set", "sym"} << "--set";
        QTest::addRow("a setting without a name") << QStringList{"quantize", "m", "o", "--set", "=1"} << "--set";
        QTest::addRow("an empty model") << QStringList{"info", ""} << "MODEL";
        QTest::addRow("no text to evaluate") << QStringList{"eval", "m"} << "--ppl";
        QTest::addRow("no windows") << QStringList{"eval", "m", "--ppl", "t", "--windows", "0"} << "--windows";
        QTest::addRow("no prompt") << QStringList{"generate", "m"} << "--prompt";
        QTest::addRow("not a number") << QStringList{"generate", "m", "--prompt", "x", "--temperature", "nan"}
                                      << "--temperature";
        QTest::addRow("infinite") << QStringList{"generate", "m", "--prompt", "x", "--temperature", "inf"}
                                  << "--temperature";
        QTest::addRow("an unknown format") << QStringList{"export", "m", "o", "--format", "gguf"} << "--format";
    }

    void wrongCommandLinesNameTheOption()
    {
        QFETCH(QStringList, arguments);
        QFETCH(QString, mentions);
        std::vector<std::string> list;
        for (const QString& argument : arguments)
            list.push_back(argument.toStdString());
        const auto parsed = cli::parseArguments(list);
        QVERIFY(!parsed);
        QCOMPARE(parsed.error().code, Errc::Usage);
        const QString sentence = QString::fromStdString(parsed.error().sentence());
        QVERIFY2(sentence.contains(mentions), qPrintable(sentence));
    }

    void aRecipeStandsBehindTheCommandLine()
    {
        QTemporaryDir folder;
        const auto read = [&](const QByteArray& recipe, std::vector<std::string> more) {
            QFile file(folder.filePath("recipe.json"));
            if (!file.open(QIODevice::WriteOnly) || file.write(recipe) != recipe.size())
                qFatal("no recipe");
            file.close();
            std::vector<std::string> arguments{"quantize", "m", "o", "--recipe", file.fileName().toStdString()};
            arguments.insert(arguments.end(), more.begin(), more.end());
            return cli::parseArguments(arguments);
        };
        const auto parsed =
            read(R"({"method":"optq","options":{"bits":2,"sym":true},"samples":9,"seed":4,"seqlen":null})",
                 {"--set", "bits=3", "--seed", "5"});
        QVERIFY2(parsed, parsed ? "" : parsed.error().sentence().c_str());
        QuantizeSpec expected;
        expected.model = "m";
        expected.out = "o";
        expected.method = "optq";
        expected.options = {{"bits", 3}, {"sym", true}};
        expected.samples = 9;
        expected.seed = 5;
        QVERIFY(std::get<cli::Invocation>(*parsed).spec == JobSpec(expected));

        const auto unknown = read(R"({"bits":2,"gruop_rows":8})", {});
        QVERIFY(!unknown);
        QCOMPARE(unknown.error().where, std::string("gruop_rows"));
        QVERIFY(unknown.error().expected.find("group_rows") != std::string::npos);
        const auto outOfRange = read(R"({"bits":7})", {});
        QVERIFY(!outOfRange);
        QCOMPARE(outOfRange.error().where, std::string("--bits"));
        QVERIFY(!read("[]", {}));
        QVERIFY(!cli::parseArguments({"quantize", "m", "o", "--recipe", folder.filePath("none").toStdString()}));
    }

    void aRecordedRecipeMakesTheSameJob_data() { addSpecs(); }
    void aRecordedRecipeMakesTheSameJob()
    {
        QFETCH(JobSpec, spec);
        const auto* quantize = std::get_if<QuantizeSpec>(&spec);
        if (!quantize)
            return;
        Json whole = recipeOf(*quantize);
        for (const char* member : {"model", "out", "calibration", "threads", "device"})
            QVERIFY2(!whole.contains(member), member);
        whole["model"] = "m";
        whole["out"] = "o";
        const auto parsed = parseJobSpec("quantize", whole);
        QVERIFY(parsed);
        QVERIFY(recipeOf(std::get<QuantizeSpec>(*parsed)) == recipeOf(*quantize));
    }

    void jsonIsRecognisedAnywhereButBehindTheDashes()
    {
        for (const std::vector<std::string>& arguments :
             {std::vector<std::string>{"--json", "info", "m"}, {"info", "--json", "m"}, {"info", "m", "--json"}}) {
            const auto parsed = cli::parseArguments(arguments);
            QVERIFY(parsed);
            QVERIFY(std::get<cli::Invocation>(*parsed).json);
            QVERIFY(cli::wantsJson(arguments));
        }
        QVERIFY(cli::wantsJson({"levitate", "--json"}));
        QVERIFY(!cli::wantsJson({"info", "--", "--json"}));
    }

    void helpOfEveryCommandShowsAnExample()
    {
        for (const char* command : {"info", "quantize", "analyze", "eval", "generate", "export", "verify", "methods"}) {
            const auto parsed = cli::parseArguments({command, "--help"});
            QVERIFY(parsed);
            const auto* printout = std::get_if<cli::Printout>(&*parsed);
            QVERIFY(printout);
            QVERIFY(QString::fromStdString(printout->text).contains(QString("  shiftadd %1 ").arg(command)));
        }
    }
};

QTEST_GUILESS_MAIN(TestJobSpec)
#include "tst_job_spec.moc"
