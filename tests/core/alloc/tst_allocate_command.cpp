// SPDX-License-Identifier: GPL-3.0-or-later
// `shiftadd allocate`, from the words of the command line to the plan on disk.
#include "app/cli/arguments.h"
#include "core/alloc/plan.h"
#include "core/base/file.h"
#include "sensitivity_fixture.h"

#include <QTemporaryDir>
#include <QTest>

using namespace sa;

class TestAllocateCommand : public QObject
{
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string path(const char* name) const { return m_folder.filePath(QString::fromLatin1(name)).toStdString(); }

    Result<std::string> run(std::vector<std::string> words) const
    {
        words.insert(words.begin(), {"allocate", path("s.json")});
        SA_TRY(const cli::Arguments arguments, cli::parseArguments(words));
        return cli::runAllocateCommand(std::get<cli::AllocateCommand>(arguments));
    }
    Json result(const std::vector<std::string>& words) const
    {
        const auto text = run(words);
        if (!text)
            qFatal("%s", text.error().sentence().c_str());
        const auto line = json::parse(*text, "stdout");
        if (!line || text->back() != '\n')
            qFatal("not a line of JSON: %s", text->c_str());
        return line->at("result");
    }

private Q_SLOTS:
    void initTestCase() { QVERIFY(writeSensitivity(path("s.json"), smallSensitivity())); }

    void demandsReachThePlan()
    {
        const Json out = result({"--bits", "3.5", "--pin", "layers.0=3", "--pin", "model.layers.1.self_attn.q_proj=4",
                                 "--range", "down_proj=1..3", "--exclude", "layers.5.self_attn", "--link", "gate,up",
                                 "--out", path("plan.json"), "--json"});
        const auto plan = readPlan(path("plan.json"));
        QVERIFY2(plan, plan ? "" : plan.error().sentence().c_str());
        QCOMPARE(out.at("plan").get<std::string>(), path("plan.json"));
        QVERIFY((out.at("layers").get<std::map<std::string, int>>() == plan->bits));
        QCOMPARE(out.at("bytes").get<std::uint64_t>(), plan->bytes);
        QCOMPARE(out.at("file_bytes").get<std::uint64_t>(), plan->bytes + 1'000'000);
        QCOMPARE(out.at("gap").get<double>(), 0.0);
        QVERIFY(out.at("bits_per_weight").get<double>() <= 3.5);
        for (const auto& [linear, bits] : plan->bits) {
            QVERIFY(linear.find("layers.0.") == std::string::npos || bits == 3);
            QVERIFY(linear.find("layers.5.self_attn") == std::string::npos || bits == kKeptBits);
            QVERIFY(linear.find("down_proj") == std::string::npos || bits <= 3);
        }
        QCOMPARE(plan->bits.at("model.layers.1.self_attn.q_proj"), 4);
        QCOMPARE(plan->bits.at("model.layers.2.mlp.gate_proj"), plan->bits.at("model.layers.2.mlp.up_proj"));
        QCOMPARE(plan->constraints.links.size(), std::size_t{6});
        // The same again gives the same bytes.
        const auto first = readFile(path("plan.json"), 1 << 20);
        result({"--bits", "3.5", "--pin", "layers.0=3", "--pin", "model.layers.1.self_attn.q_proj=4", "--range",
                "down_proj=1..3", "--exclude", "layers.5.self_attn", "--link", "gate,up", "--out", path("plan.json"),
                "--json"});
        QVERIFY(*first == *readFile(path("plan.json"), 1 << 20));
    }

    void aSizeIsOfTheWholeFile()
    {
        const Json out = result({"--bytes", "2.5MB", "--json"});
        QVERIFY(out.at("file_bytes").get<std::uint64_t>() <= 2'500'000);
        QCOMPARE(out.at("budget_bytes").get<std::uint64_t>(), std::uint64_t{1'500'000});
        QVERIFY(out.at("plan").is_null());
        const auto small = run({"--bytes", "900kB"});
        QVERIFY(!small);
        QVERIFY(small.error().expected.find("at least") != std::string::npos);
    }

    void everyRuleKeepsTheBudget()
    {
        double best = -1;
        for (const char* rule : {"optimal", "sort-and-cut", "per-layer", "uniform"}) {
            const Json out = result({"--bits", "2.75", "--rule", rule, "--json"});
            QCOMPARE(out.at("rule").get<std::string>(), std::string(rule));
            QVERIFY(out.at("bytes").get<std::uint64_t>() <= out.at("budget_bytes").get<std::uint64_t>());
            QVERIFY(best <= out.at("cost").get<double>());
            if (best < 0)
                best = out.at("cost").get<double>();
        }
    }

    void peopleGetATable()
    {
        const auto text = run({"--bits", "2.5"});
        QVERIFY(text);
        const QByteArray out = QByteArray::fromStdString(*text);
        for (const char* word : {"optimal, proven", "q_proj", "down_proj", "measured", "Uniform, same size"})
            QVERIFY2(out.contains(word), out.constData());
        QVERIFY(out.count('\n') >= 6 + 7); // a header and six blocks
        QVERIFY2(!out.contains("nan") && !out.contains("{"), out.constData());
    }

    void wrongUsageIsNamed_data()
    {
        QTest::addColumn<QStringList>("words");
        QTest::addColumn<int>("status");
        QTest::addColumn<QString>("said");
        QTest::addRow("no budget") << QStringList{} << 2 << "--bits or --bytes";
        QTest::addRow("two budgets") << QStringList{"--bits", "2", "--bytes", "4GB"} << 2 << "only one";
        QTest::addRow("bits that are no number") << QStringList{"--bits", "two"} << 2 << "--bits";
        QTest::addRow("bits with a tail") << QStringList{"--bits", "2.5x"} << 2 << "2.5x";
        QTest::addRow("negative bits") << QStringList{"--bits=-2"} << 2 << "--bits";
        QTest::addRow("a size of no unit") << QStringList{"--bytes", "4 parsecs"} << 2 << "4 parsecs";
        QTest::addRow("an unknown rule") << QStringList{"--bits", "2.5", "--rule", "best"} << 2 << "sort-and-cut";
        QTest::addRow("a rule that is none") << QStringList{"--bits", "2.5", "--rule", "manual"} << 2 << "sort-and-cut";
        QTest::addRow("an unknown objective")
            << QStringList{"--bits", "2.5", "--objective", "x"} << 2 << "weight-score";
        QTest::addRow("an unknown option") << QStringList{"--bits", "2.5", "--speed"} << 2 << "--speed";
        QTest::addRow("too few bits") << QStringList{"--bits", "0.9"} << 3 << "at least";
        QTest::addRow("a name of nothing") << QStringList{"--bits", "2.5", "--pin", "lm_head=3"} << 3 << "lm_head";
        QTest::addRow("a pin of nothing") << QStringList{"--bits", "2.5", "--pin", "q_proj"} << 3 << "NAME=BITS";
        QTest::addRow("a link of nothing") << QStringList{"--bits", "2.5", "--link", "q,fc1"} << 3 << "fc1";
        QTest::addRow("no folder to write to")
            << QStringList{"--bits", "2.5", "--out", "/nowhere/p.json"} << 3 << "/nowhere";
    }
    void wrongUsageIsNamed()
    {
        QFETCH(const QStringList, words);
        QFETCH(const int, status);
        QFETCH(const QString, said);
        std::vector<std::string> arguments;
        for (const QString& word : words)
            arguments.push_back(word.toStdString());
        const auto text = run(arguments);
        QVERIFY(!text);
        QCOMPARE(exitStatus(text.error().code), status);
        QVERIFY2(QString::fromStdString(text.error().sentence()).contains(said), text.error().sentence().c_str());
    }

    void missingAndBrokenFiles()
    {
        cli::AllocateCommand command;
        command.bits = "2.5";
        command.sensitivity = path("none.json");
        QCOMPARE(cli::runAllocateCommand(command).error().code, Errc::NotFound);
        command.sensitivity = m_folder.path().toStdString();
        QVERIFY(!cli::runAllocateCommand(command));
    }

    void sizesAsPeopleWriteThem()
    {
        QCOMPARE(cli::parseByteCount("123"), std::optional<std::uint64_t>(123));
        QCOMPARE(cli::parseByteCount("4.5GB"), std::optional<std::uint64_t>(4'500'000'000));
        QCOMPARE(cli::parseByteCount("2 GiB"), std::optional<std::uint64_t>(std::uint64_t{2} << 30));
        for (const char* text : {"", "GB", "-1", "1e30", "nan", "inf", "1 GB more", "0"})
            QVERIFY2(!cli::parseByteCount(text), text);
    }
};

QTEST_APPLESS_MAIN(TestAllocateCommand)
#include "tst_allocate_command.moc"
