// SPDX-License-Identifier: GPL-3.0-or-later
// The contract that scripts rely on: exit status, JSON lines, and nothing written when the input is bad.
#include "core/protocol/messages.h"
#include "model_folders.h"

#include <QProcess>
#include <QRegularExpression>
#include <QSet>
#include <QTemporaryDir>
#include <QTest>

#include <csignal>

using namespace sa;

namespace
{

/// Ends a hanging program; a passing run never comes near.
constexpr int kPatienceMs = 240'000;

struct Outcome {
    int status = -1;
    bool crashed = false;
    QByteArray out;
    QByteArray err;

    QList<QByteArray> lines() const
    {
        QList<QByteArray> all = out.split('\n');
        if (!all.isEmpty() && all.last().isEmpty())
            all.removeLast();
        return all;
    }
    /// Every line must be an object; the last one is returned.
    Json lastLine() const
    {
        Json last;
        for (const QByteArray& line : lines()) {
            auto parsed = json::parse(line.toStdString(), {});
            if (!parsed || !parsed->is_object())
                qFatal("not a JSON object: %s", line.constData());
            last = *std::move(parsed);
        }
        return last;
    }
};

Outcome finish(QProcess& process)
{
    Outcome outcome;
    if (!process.waitForFinished(kPatienceMs))
        qFatal("the program does not end: %s", qPrintable(process.arguments().join(' ')));
    outcome.crashed = process.exitStatus() == QProcess::CrashExit;
    outcome.status = process.exitCode();
    outcome.out = process.readAllStandardOutput();
    outcome.err = process.readAllStandardError();
    return outcome;
}

Outcome shiftadd(const QStringList& arguments)
{
    QProcess process;
    process.start(SA_BIN_DIR "/shiftadd", arguments);
    return finish(process);
}

/// Small enough for a test, big enough to have every step.
QStringList quickQuantize(const QString& model, const QString& out, const QString& bits)
{
    return {"quantize", model,      out, "--bits",        bits,        "--samples", "2", "--seqlen",
            "64",       "--rounds", "1", "--calibration", sampleText()};
}

QString printable(const Outcome& outcome)
{
    return QString("status %1\n%2\n%3")
        .arg(outcome.status)
        .arg(QString(outcome.out.right(2000)), QString(outcome.err.right(2000)));
}

} // namespace

class TestCli : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        QVERIFY(m_folder.isValid());
        m_packed = m_folder.filePath("packed");
        const Outcome outcome = shiftadd(quickQuantize(sampleModel(), m_packed, "2") << "--json");
        QVERIFY2(outcome.status == 0, qPrintable(printable(outcome)));
        m_quantize = outcome;
        writeAll(m_folder.filePath("text.txt"), readAll(sampleText()).left(6000));
    }

    void helpAndVersionSucceed()
    {
        const Outcome help = shiftadd({"quantize", "--help"});
        QCOMPARE(help.status, 0);
        QVERIFY(help.out.contains("shiftadd quantize "));
        const Outcome version = shiftadd({"--version"});
        QCOMPARE(version.status, 0);
        QCOMPARE(version.out, QByteArray("shiftadd ") + buildVersion() + "\n");
    }

    void infoDescribesAnOriginal()
    {
        const Outcome outcome = shiftadd({"info", sampleModel(), "--json"});
        QCOMPARE(outcome.status, 0);
        const Json result = outcome.lastLine().at("result");
        QCOMPARE(result.at("format").get<std::string>(), std::string("original"));
        QCOMPARE(result.at("architecture").get<std::string>(), std::string("LlamaForCausalLM"));
        QCOMPARE(result.at("layers").size(), std::size_t{42});
        QCOMPARE(result.at("stored_bytes").get<qint64>(), QFileInfo(sampleModel() + "/model.safetensors").size());
        QCOMPARE(result.at("tokenizer").at("vocab").get<int>(), 4096);
        QVERIFY(result.at("quantization").is_null());
    }

    void infoForPeopleListsEveryLayer()
    {
        const Outcome outcome = shiftadd({"info", sampleModel()});
        QCOMPARE(outcome.status, 0);
        QCOMPARE(outcome.out.count("model.layers."), 42);
        QVERIFY(outcome.out.contains("LlamaForCausalLM"));
        QCOMPARE(outcome.out.count("Linear layers, "), 4); // the original, and at 2, 3 and 4 bits
        QVERIFY2(!outcome.out.contains("nan") && !outcome.out.contains("{"), outcome.out.constData());
    }

    void quantizeReportsEveryLayerAndAResult()
    {
        QSet<QString> layers;
        QString lastKind;
        for (const QByteArray& line : m_quantize.lines()) {
            const auto event = json::parse(line.toStdString(), {});
            QVERIFY2(event, line.constData());
            QVERIFY(!event->contains("id"));
            const auto message = parseWorkerMessage(eventLine(1, *event));
            QVERIFY2(message, line.constData());
            if (const auto* layer = std::get_if<LayerResult>(&message->body)) {
                layers << QString::fromStdString(layer->name);
                QCOMPARE(layer->bits, 2);
                QVERIFY(layer->relativeError > 0 && layer->relativeError < 1);
            }
            lastKind = QString::fromStdString(event->begin().key());
        }
        QCOMPARE(lastKind, QString("result"));
        QCOMPARE(layers.size(), 42);
        const Json result = m_quantize.lastLine().at("result");
        QCOMPARE(result.at("layers").size(), std::size_t{42});
        QVERIFY(result.at("seconds").get<double>() > 0);
        const double bits = result.at("bits_per_weight").get<double>();
        QVERIFY2(bits > 2.0 && bits < 2.5, qPrintable(QString::number(bits)));
        QVERIFY(result.at("stored_bytes").get<double>() < result.at("original_bytes").get<double>());
    }

    void quantizeForPeopleEndsWithATable()
    {
        const QString out = m_folder.filePath("table");
        const Outcome outcome = shiftadd(quickQuantize(sampleModel(), out, "1"));
        QVERIFY2(outcome.status == 0, qPrintable(printable(outcome)));
        QCOMPARE(outcome.out.count("model.layers."), 43); // a row each, and the worst one again
        QVERIFY(outcome.out.contains(out.toUtf8()));
        QVERIFY2(outcome.err.contains("quantize") && !outcome.err.contains('\r'), "a log gets plain lines");
    }

    void aPackedFolderIsDescribedVerifiedAndExported()
    {
        Outcome outcome = shiftadd({"info", m_packed, "--json"});
        QCOMPARE(outcome.status, 0);
        const Json result = outcome.lastLine().at("result");
        QCOMPARE(result.at("format").get<std::string>(), std::string("packed"));
        QCOMPARE(result.at("quantization").at("bits").get<int>(), 2);

        outcome = shiftadd({"verify", m_packed, "--json"});
        QVERIFY2(outcome.status == 0, qPrintable(printable(outcome)));
        QCOMPARE(outcome.lastLine().at("result").at("layers").get<int>(), 42);

        const QString dense = m_folder.filePath("dense");
        outcome = shiftadd({"export", m_packed, dense, "--json"});
        QVERIFY2(outcome.status == 0, qPrintable(printable(outcome)));
        outcome = shiftadd({"info", dense, "--json"});
        QCOMPARE(outcome.lastLine().at("result").at("format").get<std::string>(), std::string("original"));
    }

    void evalMeasuresAPackedModel()
    {
        const Outcome outcome = shiftadd(
            {"eval", m_packed, "--ppl", m_folder.filePath("text.txt"), "--seqlen", "64", "--windows", "2", "--json"});
        QVERIFY2(outcome.status == 0, qPrintable(printable(outcome)));
        const Json result = outcome.lastLine().at("result");
        QCOMPARE(result.at("windows").get<int>(), 2);
        const double perplexity = result.at("perplexity").get<double>();
        QVERIFY2(perplexity > 1 && perplexity < 4096, qPrintable(QString::number(perplexity)));
    }

    void generateStreamsWhatItsResultSays()
    {
        const QStringList arguments{"generate", m_packed, "--prompt", "The river", "--max-tokens", "8", "--greedy"};
        const Outcome lines = shiftadd(QStringList(arguments) << "--json");
        QVERIFY2(lines.status == 0, qPrintable(printable(lines)));
        std::string streamed;
        for (const QByteArray& line : lines.lines()) {
            const auto event = json::parse(line.toStdString(), {});
            if (event->contains("token"))
                streamed += event->at("token").at("text").get<std::string>();
        }
        const Json result = lines.lastLine().at("result");
        QCOMPARE(streamed, result.at("text").get<std::string>());
        QVERIFY(result.at("ids").size() <= 8 && !result.at("ids").empty());
        // People get the same text, a line break, and figures on the other stream.
        const Outcome text = shiftadd(arguments);
        QCOMPARE(text.status, 0);
        QCOMPARE(text.out, QByteArray::fromStdString(streamed + "\n"));
        QVERIFY(text.err.contains("tokens"));
    }

    void badInputIsNamedAndNothingIsWritten_data()
    {
        QTest::addColumn<QString>("broken"); ///< what breakModel() does
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<int>("status");
        QTest::addColumn<QString>("mentions");
        const auto row = [](const char* name, const char* broken, const QStringList& arguments, int status,
                            const char* mentions) {
            QTest::addRow("%s", name) << broken << arguments << status << mentions;
        };
        const QStringList info{"info", "MODEL"};
        const QStringList quantize{"quantize", "MODEL", "OUT"};
        row("a folder that does not exist", "no folder", info, 3, "MODEL");
        row("a file in place of a folder", "file", info, 3, "MODEL");
        row("an empty folder", "empty", info, 3, "config.json");
        row("no config.json", "no config", quantize, 3, "config.json");
        row("a config.json that is not JSON", "config text", quantize, 3, "config.json");
        row("an unknown architecture", "architecture", quantize, 3, "MambaForCausalLM");
        row("no layers", "zero layers", quantize, 3, "num_hidden_layers");
        row("no weights", "no weights", info, 3, "safetensors");
        row("weights cut in half", "cut", quantize, 3, "model.safetensors");
        row("weights cut inside the header", "cut header", quantize, 3, "model.safetensors");
        row("weights that are a web page", "html", quantize, 3, "model.safetensors");
        row("a missing tensor", "missing tensor", quantize, 3, "model.layers.0.mlp.up_proj.weight");
        row("a tensor of another shape", "misshapen", quantize, 3, "model.layers.0.mlp.up_proj.weight");
        row("no tokenizer", "no tokenizer", quantize, 3, "tokenizer.json");
        row("a broken tokenizer", "broken tokenizer", quantize, 3, "tokenizer.json");
        row("no tokenizer for a perplexity", "no tokenizer", {"eval", "MODEL", "--ppl", "TEXT"}, 3, "tokenizer.json");
        row("an empty calibration text", "",
            QStringList(quantize) << "--calibration"
                                  << "EMPTY",
            3, "empty.txt");
        row("a blank calibration text", "",
            QStringList(quantize) << "--calibration"
                                  << "BLANK",
            3, "blank.txt");
        row("a calibration text that is not there", "",
            QStringList(quantize) << "--calibration"
                                  << "NOWHERE",
            3, "nowhere.txt");
        row("a calibration text that is too short", "",
            QStringList(quantize) << "--calibration"
                                  << "SHORT"
                                  << "--seqlen"
                                  << "512",
            3, "short.txt");
        row("an output folder with something in it", "", {"quantize", "MODEL", "BUSY"}, 3, "busy");
        row("an output folder inside a file", "", {"quantize", "MODEL", "TEXT/out"}, 3, "text.txt");
        row("a text to evaluate that is not there", "", {"eval", "MODEL", "--ppl", "NOWHERE"}, 3, "nowhere.txt");
        row("a text to evaluate that is a folder", "", {"eval", "MODEL", "--ppl", "BUSY"}, 3, "busy");
        row("an original to verify", "", {"verify", "MODEL"}, 3, "MODEL");
        row("an original to export", "", {"export", "MODEL", "OUT"}, 3, "MODEL");
        row("five bits", "",
            QStringList(quantize) << "--bits"
                                  << "5",
            2, "--bits");
        row("bits in words", "",
            QStringList(quantize) << "--bits"
                                  << "three",
            2, "--bits");
        row("an unknown option", "", QStringList(quantize) << "--levitate", 2, "--levitate");
        row("a window beyond the model's context", "",
            QStringList(quantize) << "--seqlen"
                                  << "4096",
            2, "--seqlen");
        row("no output folder", "", {"quantize", "MODEL"}, 2, "OUT");
        row("an unknown command", "", {"levitate", "MODEL"}, 2, "levitate");
    }

    void badInputIsNamedAndNothingIsWritten()
    {
        QFETCH(QString, broken);
        QFETCH(QStringList, arguments);
        QFETCH(int, status);
        QFETCH(QString, mentions);
        QTemporaryDir folder;
        QVERIFY(folder.isValid());
        const QString model = folder.filePath("model");
        breakModel(model, broken);
        const QStringList prepared = prepareTexts(folder);
        arguments.replaceInStrings(QRegularExpression("^MODEL$"), model);
        arguments.replaceInStrings(QRegularExpression("^OUT$"), folder.filePath("out"));
        for (int i = 0; i + 1 < prepared.size(); i += 2)
            arguments.replaceInStrings(QRegularExpression("^" + prepared[i]), prepared[i + 1]);
        if (mentions == "MODEL")
            mentions = model;
        const QStringList before = inventory(folder.path());

        const Outcome lines = shiftadd(QStringList(arguments) << "--json");
        QVERIFY2(!lines.crashed && lines.status == status, qPrintable(printable(lines)));
        const Json last = lines.lastLine();
        QVERIFY2(last.contains("error"), qPrintable(printable(lines)));
        QVERIFY(!last.at("error").at("message").get<std::string>().empty());
        const QString sentence = QString::fromStdString(json::toError(last.at("error")).sentence());
        QVERIFY2(sentence.contains(mentions), qPrintable(sentence));
        QCOMPARE(inventory(folder.path()), before);
    }

    void peopleReadWhatWhereFoundAndExpected()
    {
        QTemporaryDir folder;
        QVERIFY(folder.isValid());
        const QString model = folder.filePath("model");
        breakModel(model, "misshapen");
        const Outcome input = shiftadd({"quantize", model, folder.filePath("out")});
        QCOMPARE(input.status, 3);
        QVERIFY2(input.out.isEmpty(), input.out.constData());
        for (const char* part : {"Error: ", "\n  where ", "model.layers.0.mlp.up_proj.weight", "\n  found ",
                                 "[256, 704]", "\n  expected ", "[704, 256]"})
            QVERIFY2(input.err.contains(part), input.err.constData());

        const Outcome usage = shiftadd({"quantize", model, folder.filePath("out"), "--bits", "5"});
        QCOMPARE(usage.status, 2);
        QVERIFY2(usage.out.isEmpty(), usage.out.constData());
        for (const char* part : {"Error: ", "--bits", "\n  found     5", "from 1 to 4"})
            QVERIFY2(usage.err.contains(part), usage.err.constData());
    }

    void aFileNameCannotWriteToTheTerminal()
    {
        const Outcome outcome = shiftadd({"info", QStringLiteral("/nowhere/\x1b[2Jx\ny")});
        QCOMPARE(outcome.status, 3);
        QVERIFY2(!outcome.err.contains('\x1b') && outcome.err.contains("\\x1b[2Jx\\ny"), outcome.err.constData());
    }

    void anInterruptCancelsAndLeavesNothingBehind()
    {
        QTemporaryDir folder;
        QVERIFY(folder.isValid());
        const QStringList before = inventory(folder.path());
        for (const int number : {SIGINT, SIGTERM}) {
            QProcess process;
            process.start(SA_BIN_DIR "/shiftadd", {"quantize", sampleModel(), folder.filePath("out"), "--bits", "4",
                                                   "--samples", "64", "--calibration", sampleText(), "--json"});
            QByteArray out;
            while (!out.contains("\"quantize\"")) { // the work itself has begun
                QVERIFY2(process.waitForReadyRead(kPatienceMs), "no progress");
                out += process.readAllStandardOutput();
            }
            ::kill(static_cast<pid_t>(process.processId()), number);
            Outcome outcome = finish(process);
            outcome.out = out + outcome.out;
            QVERIFY2(!outcome.crashed && outcome.status == 130, qPrintable(printable(outcome)));
            QCOMPARE(outcome.lastLine().at("error").at("code").get<std::string>(), std::string("Cancelled"));
            QCOMPARE(inventory(folder.path()), before);
        }
    }

    void aReaderThatLeavesIsNotACrash()
    {
        QProcess shell;
        shell.start("/bin/sh",
                    {"-c",
                     "{ \"$0\" generate \"$1\" --prompt x --max-tokens 500 --json; echo status $? >&2; } | head -n 1",
                     SA_BIN_DIR "/shiftadd", m_packed});
        const Outcome outcome = finish(shell);
        QCOMPARE(outcome.lines().size(), 1);
        QVERIFY2(outcome.err.contains("status 130"), outcome.err.constData());
        QVERIFY2(!outcome.err.contains("Error"), outcome.err.constData());
    }

private:
    static void breakModel(const QString& model, const QString& how)
    {
        if (how == "no folder")
            return;
        if (how == "file") {
            writeAll(model, "text");
            return;
        }
        if (how == "empty") {
            QDir().mkpath(model);
            return;
        }
        linkedModel(model);
        const QString config = model + "/config.json";
        const QString weights = model + "/model.safetensors";
        const QString tokenizer = model + "/tokenizer.json";
        const QByteArray configText = readAll(config);
        if (how == "no config")
            QFile::remove(config);
        else if (how == "config text")
            writeAll(config, "hidden_size: 256\n");
        else if (how == "architecture")
            writeAll(config, QByteArray(configText)
                                 .replace("LlamaForCausalLM", "MambaForCausalLM")
                                 .replace("\"llama\"", "\"mamba\""));
        else if (how == "zero layers")
            writeAll(config, QByteArray(configText).replace("\"num_hidden_layers\": 6", "\"num_hidden_layers\": 0"));
        else if (how == "no weights")
            QFile::remove(weights);
        else if (how == "cut")
            writeAll(weights, readAll(weights).left(6'000'000));
        else if (how == "cut header")
            writeAll(weights, readAll(weights).left(100));
        else if (how == "html")
            writeAll(weights, "<!DOCTYPE html><html><body>404</body></html>");
        else if (how == "missing tensor")
            writeAll(weights, patchedWeights("model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.xx_proj.weight"));
        else if (how == "misshapen")
            writeAll(weights, misshapenWeights());
        else if (how == "no tokenizer")
            QFile::remove(tokenizer);
        else if (how == "broken tokenizer")
            writeAll(tokenizer, "{\"model\":{\"type\":\"BPE\"");
        else if (!how.isEmpty())
            qFatal("nobody knows how to do %s", qPrintable(how));
    }

    /// up_proj transposed: as many bytes, another shape.
    static QByteArray misshapenWeights()
    {
        const QByteArray whole = readAll(sampleModel() + "/model.safetensors");
        const auto name = whole.indexOf("\"model.layers.0.mlp.up_proj.weight\"");
        const auto begin = whole.indexOf("[704", name);
        const auto end = whole.indexOf(']', begin);
        const QByteArray before = whole.mid(name, end + 1 - name);
        QByteArray after = before;
        after.replace("704", "???").replace("256", "704").replace("???", "256");
        return patchedWeights(before, after);
    }

    /// Placeholder and path, alternating.
    static QStringList prepareTexts(const QTemporaryDir& folder)
    {
        writeAll(folder.filePath("empty.txt"), "");
        writeAll(folder.filePath("blank.txt"), " \n\t\n");
        writeAll(folder.filePath("short.txt"), "Too short to calibrate anything.\n");
        writeAll(folder.filePath("text.txt"), readAll(sampleText()).left(6000));
        QDir().mkpath(folder.filePath("busy"));
        writeAll(folder.filePath("busy/notes.txt"), "mine");
        return {"EMPTY", folder.filePath("empty.txt"), "BLANK",   folder.filePath("blank.txt"),
                "SHORT", folder.filePath("short.txt"), "TEXT",    folder.filePath("text.txt"),
                "BUSY",  folder.filePath("busy"),      "NOWHERE", folder.filePath("nowhere.txt")};
    }

    QTemporaryDir m_folder;
    QString m_packed;
    Outcome m_quantize;
};

QTEST_GUILESS_MAIN(TestCli)
#include "tst_cli.moc"
