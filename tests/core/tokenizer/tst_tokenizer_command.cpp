// SPDX-License-Identifier: GPL-3.0-or-later
// `shiftadd tokenize` and `detokenize`, from the words of the command line to what is printed.
#include "app/cli/arguments.h"
#include "core/base/json.h"

#include <QFile>
#include <QTemporaryDir>
#include <QtTest>

using namespace sa;

namespace
{

const std::string kModel = SA_SOURCE_DIR "/resources/sample-model";

Result<std::string> run(const std::vector<std::string>& arguments)
{
    auto parsed = cli::parseArguments(arguments);
    if (!parsed)
        return std::move(parsed).error();
    const auto* command = std::get_if<cli::TokenizerCommand>(&*parsed);
    if (!command)
        return makeError(Errc::Internal, "not a tokenizer command");
    return cli::runTokenizerCommand(*command);
}

} // namespace

class TestTokenizerCommand : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void thereAndBack();
    void readsFiles();
    void worksWithTokenizerFilesAlone();
    void plainLinesAreSafeForATerminal();
    void usageErrors_data();
    void usageErrors();
};

void TestTokenizerCommand::thereAndBack()
{
    const auto printed = run({"tokenize", kModel, "--text", "The old\nhouse", "--json"});
    QVERIFY2(printed.has_value(), printed ? "" : printed.error().sentence().c_str());
    QCOMPARE(std::count(printed->begin(), printed->end(), '\n'), std::ptrdiff_t(1));
    const Json object = *json::parse(*printed, "out");
    QCOMPARE(object.at("tokens").at(0), Json("<s>"));
    QCOMPARE(object.at("tokens").size(), object.at("ids").size());
    std::vector<std::string> back{"detokenize", kModel, "--no-special", "--json", "--ids"};
    std::string withCommas;
    for (const Json& id : object.at("ids")) {
        back.push_back(json::dump(id));
        withCommas += (withCommas.empty() ? "" : ",") + json::dump(id);
    }
    const std::string expected = json::dump({{"text", "The old\nhouse"}}) + "\n";
    QCOMPARE(*run(back), expected);
    QCOMPARE(*run({"detokenize", kModel, "--no-special", "--json", "--ids", withCommas}), expected);
    const Json plain =
        *json::parse(*run({"--json", "tokenize", kModel, "--text", "The old\nhouse", "--no-special"}), "out");
    QCOMPARE(plain.at("ids").size() + 1, object.at("ids").size());
}

void TestTokenizerCommand::readsFiles()
{
    QTemporaryDir temporary;
    QFile file(temporary.filePath("text"));
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write("from a file");
    file.close();
    QCOMPARE(*run({"tokenize", kModel, "--file", file.fileName().toStdString()}),
             *run({"tokenize", kModel, "--text", "from a file"}));
    const auto missing = run({"tokenize", kModel, "--file", temporary.filePath("none").toStdString()});
    QVERIFY(!missing);
    QCOMPARE(name(missing.error().code), name(Errc::NotFound));
}

void TestTokenizerCommand::worksWithTokenizerFilesAlone()
{
    const auto printed = run({"tokenize", SA_SOURCE_DIR "/tests/data/tokenizers/unigram", "--text", "a layer"});
    QVERIFY2(printed.has_value(), printed ? "" : printed.error().sentence().c_str());
    const auto nowhere = run({"tokenize", "/no/such/folder", "--text", "a"});
    QVERIFY(!nowhere);
    QCOMPARE(name(nowhere.error().code), name(Errc::NotFound));
}

void TestTokenizerCommand::plainLinesAreSafeForATerminal()
{
    const auto printed = run({"tokenize", kModel, "--text", "a\nb", "--no-special"});
    QVERIFY(printed.has_value());
    for (const QByteArray& line : QByteArray::fromStdString(*printed).trimmed().split('\n'))
        QCOMPARE(line.count('\t'), 1);
}

void TestTokenizerCommand::usageErrors_data()
{
    QTest::addColumn<QStringList>("arguments");
    QTest::addColumn<QString>("where");
    const QString model = QString::fromStdString(kModel);
    QTest::addRow("no text") << QStringList{"tokenize", model} << "";
    QTest::addRow("two texts") << QStringList{"tokenize", model, "--text", "a", "--file", "b"} << "";
    QTest::addRow("no model") << QStringList{"tokenize", "--text", "a"} << "";
    QTest::addRow("no ids") << QStringList{"detokenize", model} << "";
    QTest::addRow("an id that is a word") << QStringList{"detokenize", model, "--ids", "1,x"} << "--ids";
    QTest::addRow("an id too many") << QStringList{"detokenize", model, "--ids", "4096"} << "--ids";
    QTest::addRow("a comma too many") << QStringList{"detokenize", model, "--ids", "1,,2"} << "--ids";
    QTest::addRow("a negative id") << QStringList{"detokenize", model, "--ids", "1,-2"} << "--ids";
}

void TestTokenizerCommand::usageErrors()
{
    QFETCH(QStringList, arguments);
    QFETCH(QString, where);
    std::vector<std::string> list;
    for (const QString& argument : arguments)
        list.push_back(argument.toStdString());
    const auto refused = run(list);
    QVERIFY(!refused);
    QCOMPARE(name(refused.error().code), name(Errc::Usage));
    QCOMPARE(QString::fromStdString(refused.error().where), where);
}

QTEST_GUILESS_MAIN(TestTokenizerCommand)
#include "tst_tokenizer_command.moc"
