// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/methods/method_catalog.h"
#include "core/methods/method_options.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QTest>

using namespace sa;

namespace
{

const char* const kGood = R"({
  "id": "mine", "name": "Mine", "api": 1, "summary": "It does.", "needs": {"hessian": {"sweep": true}}, "result": "dense",
  "parameters": [
    {"key": "bits", "name": "Bits", "type": "integer", "min": 2, "max": 8, "default": 4, "help": "How many."},
    {"key": "share", "name": "Share", "type": "number", "min": 0, "max": 1, "default": 0.5, "help": "How much."},
    {"key": "sweep", "name": "Sweep", "type": "flag", "default": true, "help": "Whether."},
    {"key": "way", "name": "Way", "type": "choice", "choices": ["left", "right"], "default": "left", "help": "Which."}
  ]
})";

void write(const QString& path, const QByteArray& content)
{
    QDir().mkpath(QFileInfo(path).path());
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly) && file.write(content) == content.size());
}

} // namespace

class TestMethodInfo : public QObject
{
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string path(const char* name) const { return m_folder.filePath(QString::fromLatin1(name)).toStdString(); }
    MethodInfo good() const
    {
        write(m_folder.filePath("good.json"), kGood);
        auto info = readMethodInfo(path("good.json"));
        if (!info)
            QTest::qFail(info.error().sentence().c_str(), __FILE__, __LINE__);
        return info ? *info : MethodInfo();
    }

private Q_SLOTS:
    void aMethodDescribesItself()
    {
        const MethodInfo info = good();
        QCOMPARE(info.id, std::string("mine"));
        QCOMPARE(info.library, path("good.so"));
        QCOMPARE(info.parameters.size(), std::size_t{4});
        QVERIFY(info.needsHessian({{"sweep", true}}));
        QVERIFY(!info.needsHessian({{"sweep", false}}));
        const Json json = toJson(info);
        QCOMPARE(json["parameters"][0]["max"].get<double>(), 8.0);
        QVERIFY(!json["parameters"][3].contains("min"));
    }

    void badMetadataNamesTheField_data()
    {
        QTest::addColumn<QString>("from");
        QTest::addColumn<QString>("to");
        QTest::addColumn<QString>("where");
        const auto row = [](const char* name, const char* from, const char* to, const char* where) {
            QTest::addRow("%s", name) << from << to << where;
        };
        row("an interface of the future", "\"api\": 1", "\"api\": 2", "api");
        row("no name of its own", "\"id\": \"mine\"", "\"id\": \"My/Method\"", "id");
        row("no summary", "\"summary\": \"It does.\",", "", "summary");
        row("another kind of result", "\"dense\"", "\"sparse\"", "result");
        row("another kind of parameter", "\"integer\"", "\"colour\"", "parameters[0].type");
        row("a default outside the range", "\"default\": 4", "\"default\": 9", "parameters[0].default");
        row("a default that is no choice", "\"default\": \"left\"", "\"default\": \"up\"", "parameters[3].default");
        row("a range upside down", "\"min\": 2", "\"min\": 20", "parameters[0]");
        row("two parameters of one name", "\"share\"", "\"bits\"", "parameters[1]");
        row("a parameter without help", ", \"help\": \"Whether.\"", "", "parameters[2].help");
        row("a condition on nothing", "{\"sweep\": true}", "{\"swoop\": true}", "needs.hessian.swoop");
        row("a library elsewhere", "\"result\":", "\"library\": \"../evil.so\", \"result\":", "library");
        row("another's claim to be built in", "\"result\":", "\"built_in\": true, \"result\":", "built_in");
        row("not JSON", "{\n", "[\n", "");
    }
    void badMetadataNamesTheField()
    {
        QFETCH(QString, from);
        QFETCH(QString, to);
        QFETCH(QString, where);
        QString text = QString::fromLatin1(kGood);
        QVERIFY(text.contains(from));
        text.replace(text.indexOf(from), from.size(), to);
        write(m_folder.filePath("bad.json"), text.toUtf8());
        const auto info = readMethodInfo(path("bad.json"));
        QVERIFY(!info);
        QCOMPARE(info.error().file, path("bad.json"));
        const QString sentence = QString::fromStdString(info.error().sentence());
        QVERIFY2(sentence.contains(where), qPrintable(sentence));
    }

    void optionsAreCheckedAndCompleted_data()
    {
        QTest::addColumn<QString>("given");
        QTest::addColumn<QString>("expected");
        QTest::addRow("nothing given") << "{}"
                                       << R"({"bits":4,"share":0.5,"sweep":true,"way":"left"})";
        QTest::addRow("everything given") << R"({"bits":2,"share":0.25,"sweep":false,"way":"right"})"
                                          << R"({"bits":2,"share":0.25,"sweep":false,"way":"right"})";
        QTest::addRow("a whole number where any will do") << R"({"share":1})"
                                                          << R"({"bits":4,"share":1.0,"sweep":true,"way":"left"})";
        QTest::addRow("a text for a number") << R"({"bits":"4"})"
                                             << "options.bits";
        QTest::addRow("a fraction for an integer") << R"({"bits":4.5})"
                                                   << "options.bits";
        QTest::addRow("below the range") << R"({"bits":1})"
                                         << "options.bits";
        QTest::addRow("a flag as a number") << R"({"sweep":1})"
                                            << "options.sweep";
        QTest::addRow("no such choice") << R"({"way":"up"})"
                                        << "options.way";
        QTest::addRow("no such parameter") << R"({"bit":4})"
                                           << "options.bit";
        QTest::addRow("no object") << "[]"
                                   << "options";
    }
    void optionsAreCheckedAndCompleted()
    {
        QFETCH(QString, given);
        QFETCH(QString, expected);
        const auto options = completeOptions(good(), *json::parse(given.toStdString(), "given"));
        if (expected.startsWith('{')) {
            QVERIFY2(options, options ? "" : options.error().sentence().c_str());
            QCOMPARE(json::dump(*options), expected.toStdString());
            return;
        }
        QVERIFY(!options);
        QCOMPARE(options.error().code, Errc::Usage);
        QCOMPARE(QString::fromStdString(options.error().where), expected);
    }

    void theJobsBitsStandInForTheMethods()
    {
        QCOMPARE((*completeOptions(good(), Json::object(), {{"bits", 3}, {"seed", 1}}))["bits"].get<int>(), 3);
        QCOMPARE((*completeOptions(good(), {{"bits", 5}}, {{"bits", 3}}))["bits"].get<int>(), 5);
        QVERIFY(!completeOptions(good(), Json::object(), {{"bits", 1}}));
    }

    void whatCannotBeReadIsAWarning()
    {
        write(m_folder.filePath("a/one/one.json"), kGood);
        write(m_folder.filePath("a/two/two.json"), QByteArray(kGood)); // the same id
        write(m_folder.filePath("a/three/three.json"), "{\"id\":");
        write(m_folder.filePath("a/readme.txt"), "not a method");
        const auto catalog = findMethods({path("a"), path("nowhere")});
        QCOMPARE(catalog.methods.size(), std::size_t{1});
        QCOMPARE(catalog.methods.front().file, path("a/one/one.json"));
        QCOMPARE(catalog.warnings.size(), std::size_t{2});
        QVERIFY2(catalog.warnings[0].find("three.json") != std::string::npos, catalog.warnings[0].c_str());
        QVERIFY2(catalog.warnings[1].find("two.json") != std::string::npos, catalog.warnings[1].c_str());
        const auto missing = requireMethod(catalog, "ours");
        QVERIFY(!missing);
        QVERIFY(missing.error().sentence().find("mine") != std::string::npos);
    }

    void foldersOfTheUserAreSearched()
    {
        write(m_folder.filePath("b/one.json"), kGood);
        qputenv("SA_PLUGIN_PATH", QByteArray::fromStdString(":" + path("nowhere") + ":" + path("b")));
        const auto folders = methodFolders();
        qunsetenv("SA_PLUGIN_PATH");
        QVERIFY(!folders.empty());
        QCOMPARE(folders.back(), path("b"));
    }

    void theMetadataOfTheProjectCanBeShown_data()
    {
        QTest::addColumn<QString>("file");
        const QDir plugins(SA_SOURCE_DIR "/plugins");
        for (const auto& folder : plugins.entryList(QDir::Dirs | QDir::NoDotAndDotDot))
            for (const auto& file : QDir(plugins.filePath(folder)).entryList({"*.json"}))
                QTest::addRow("%s", qPrintable(file)) << plugins.filePath(folder + "/" + file);
    }
    void theMetadataOfTheProjectCanBeShown()
    {
        QFETCH(QString, file);
        const auto info = readMethodInfo(file.toStdString());
        QVERIFY2(info, info ? "" : info.error().sentence().c_str());
        QCOMPARE(QString::fromStdString(info->id), QFileInfo(file).completeBaseName());
        QVERIFY(info->summary.ends_with('.'));
        for (const auto& parameter : info->parameters)
            QVERIFY2(parameter.help.ends_with('.') && !parameter.name.empty(), parameter.key.c_str());
        QVERIFY(completeOptions(*info, Json::object()));
    }
};

QTEST_APPLESS_MAIN(TestMethodInfo)
#include "tst_method_info.moc"
