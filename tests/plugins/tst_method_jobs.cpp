// SPDX-License-Identifier: GPL-3.0-or-later
// Whole jobs with methods from plugins on the bundled model.
#include "core/base/file.h"
#include "core/methods/method_catalog.h"
#include "tests/core/engine/job_runner.h"
#include "tests/support/folder_digests.h"

#include <QDir>
#include <QTemporaryDir>
#include <QTest>

using namespace sa;
using test::digestsOf;

namespace
{

const std::string kModel = SA_SOURCE_DIR "/resources/sample-model";

QuantizeSpec smallJob(const std::string& method, const std::string& out)
{
    QuantizeSpec spec;
    spec.model = kModel;
    spec.out = out;
    spec.method = method;
    spec.bits = 4;
    spec.calibration = {SA_SOURCE_DIR "/resources/sample-text/calibration.txt"};
    spec.samples = 8;
    spec.seqlen = 64;
    return spec;
}

} // namespace

class TestMethodJobs : public QObject
{
    Q_OBJECT
    QTemporaryDir m_folder;
    QString path(const QString& name) const { return m_folder.filePath(name); }

private Q_SLOTS:
    void everyMethodMakesAModelThatRuns_data()
    {
        QTest::addColumn<QString>("method");
        QTest::addColumn<bool>("packed");
        QTest::addColumn<double>("bits");
        // Of the sample model's 256 and 704 columns, with a scale (and a zero point) per row.
        QTest::addRow("rtn") << "rtn" << false << 4.07;
        QTest::addRow("optq") << "optq" << false << 4.07;
        QTest::addRow("lutgemm-bcq") << "lutgemm-bcq" << true << 4.22;
        QTest::addRow("awq") << "awq" << false << 4.11;
        QTest::addRow("quip") << "quip" << false << 4.05;
    }
    void everyMethodMakesAModelThatRuns()
    {
        QFETCH(QString, method);
        QFETCH(bool, packed);
        QFETCH(double, bits);
        const auto once = path(method).toStdString(), again = path(method + "-again").toStdString();
        QuantizeSpec spec = smallJob(method.toStdString(), once);
        std::vector<Json> events;
        const auto result = test::run(spec, &events);
        QVERIFY2(result, result ? "" : result.error().sentence().c_str());
        QCOMPARE((*result)["method"].get<std::string>(), method.toStdString());
        QCOMPARE((*result)["layers"].size(), std::size_t{42});
        const double stored = (*result)["bits_per_weight"].get<double>();
        QVERIFY2(stored > 4.0 && stored < bits, qPrintable(QString::number(stored)));
        const auto nominal = (*result)["nominal_stored_bytes"].get<std::uint64_t>(),
                   real = (*result)["stored_bytes"].get<std::uint64_t>();
        QVERIFY(packed ? nominal == real : nominal < real / 2 + real / 4);
        for (const auto& layer : (*result)["layers"])
            QVERIFY(layer["relative_error"].get<double>() > 0 && layer["relative_error"].get<double>() < 0.1);

        const auto opened = test::run(OpenSpec{once});
        QVERIFY2(opened, opened ? "" : opened.error().sentence().c_str());
        QCOMPARE((*opened)["format"].get<std::string>(), std::string(packed ? "packed" : "original"));
        QCOMPARE(exists(once + "/shiftadd_record.json"), !packed);
        static const double before = test::perplexityOf(kModel, 4);
        const double after = test::perplexityOf(once, 4);
        QVERIFY2(after > 0.97 * before && after < 1.1 * before, qPrintable(QString("%1 %2").arg(after).arg(before)));
        if (packed)
            QVERIFY(test::run(VerifySpec{once}));

        spec.out = again;
        spec.threads = 1;
        QVERIFY(test::run(spec));
        QVERIFY(digestsOf(path(method)) == digestsOf(path(method + "-again")));
    }

    void aStoppedJobGoesOn_data()
    {
        QTest::addColumn<QString>("method");
        QTest::addRow("dense weights, calibrated") << "optq";
        QTest::addRow("dense weights, no data") << "rtn";
        QTest::addRow("planes") << "lutgemm-bcq";
    }
    void aStoppedJobGoesOn()
    {
        QFETCH(QString, method);
        const QString name = method + "-stopped";
        QuantizeSpec spec = smallJob(method.toStdString(), path(name).toStdString());
        const auto stopped = test::runUntil(spec, 17); // of 42, 7 in a block
        QVERIFY(!stopped);
        QCOMPARE(stopped.error().code, Errc::Cancelled);
        QVERIFY2(stopped.error().remedy.find("2 of 6 blocks are kept") != std::string::npos,
                 stopped.error().remedy.c_str());
        const auto refused = test::run(spec);
        QVERIFY(!refused && refused.error().remedy.find("--resume") != std::string::npos);

        spec.resume = true;
        QuantizeSpec other = spec;
        other.options = {{"bits", 3}};
        const auto different = test::run(other);
        QVERIFY(!different);
        QVERIFY2(different.error().message.find("recipe.options.bits") != std::string::npos,
                 different.error().message.c_str());

        std::vector<Json> events;
        const auto result = test::run(spec, &events);
        QVERIFY2(result, result ? "" : result.error().sentence().c_str());
        QCOMPARE((*result)["layers"].size(), std::size_t{42});
        int restored = 0;
        for (const Json& event : events)
            restored += event.contains("layer") && event["layer"].value("restored", false);
        QCOMPARE(restored, 14);
        auto whole = digestsOf(path(method));
        QVERIFY(!whole.empty());
        QVERIFY(digestsOf(path(name)) == whole);
    }

    void theRecordSaysHowADenseFolderCameToBe()
    {
        const auto record = json::parseFile(path("optq/shiftadd_record.json").toStdString());
        QVERIFY(record);
        QCOMPARE((*record)["method"].get<std::string>(), std::string("optq"));
        QCOMPARE((*record)["recipe"]["options"]["bits"].get<int>(), 4);
        QCOMPARE((*record)["recipe"]["samples"].get<int>(), 8);
        QCOMPARE((*record)["calibration"]["seqlen"].get<int>(), 64);
        QCOMPARE((*record)["layers"].size(), std::size_t{42});
        QCOMPARE((*record)["files"].size(), std::size_t{7});
        const auto config = json::parseFile(path("optq/config.json").toStdString()),
                   original = json::parseFile(kModel + "/config.json");
        QVERIFY(config && original && *config == *original);
        const auto dataFree = json::parseFile(path("rtn/shiftadd_record.json").toStdString());
        QVERIFY(dataFree && (*dataFree)["calibration"].is_null());
        const auto packed = json::parseFile(path("lutgemm-bcq/config.json").toStdString());
        QVERIFY(packed);
        QCOMPARE((*packed)["quantization_config"]["mode"].get<std::string>(), std::string("lutgemm-bcq"));
        QCOMPARE((*packed)["quantization_config"]["recipe"]["options"]["rounds"].get<int>(), 50);
    }

    void theBuiltInMethodTakesItsOptionsToo()
    {
        QuantizeSpec spec = smallJob("shiftadd", path("own").toStdString());
        spec.options = {{"rounds", 2}, {"bits", 1}};
        const auto result = test::run(spec);
        QVERIFY2(result, result ? "" : result.error().sentence().c_str());
        QCOMPARE((*result)["method"].get<std::string>(), std::string("shiftadd"));
        const auto config = json::parseFile(path("own/config.json").toStdString());
        QVERIFY(config);
        const Json& recipe = (*config)["quantization_config"]["recipe"];
        QCOMPARE(recipe["rounds"].get<int>(), 2);
        QCOMPARE(recipe["bits"].get<int>(), 1);
        QCOMPARE(recipe["method"].get<std::string>(), std::string("shiftadd"));
        QVERIFY(!recipe.contains("model") && !recipe.contains("threads"));
    }

    void badJobsAreRefusedAndLeaveNothing_data()
    {
        QTest::addColumn<QString>("method");
        QTest::addColumn<QString>("options");
        QTest::addColumn<QString>("says");
        QTest::addRow("no such method") << "magic"
                                        << "{}"
                                        << "lutgemm-bcq";
        QTest::addRow("no such parameter") << "rtn"
                                           << R"({"act_order":true})"
                                           << "options.act_order";
        QTest::addRow("a value out of range") << "optq"
                                              << R"({"damping":2})"
                                              << "options.damping";
        QTest::addRow("options that do not fit together") << "lutgemm-bcq"
                                                          << R"({"group_columns":12})"
                                                          << "multiple of 8";
        QTest::addRow("no such parameter of the built-in method") << "shiftadd"
                                                                  << R"({"sym":true})"
                                                                  << "options.sym";
    }
    void badJobsAreRefusedAndLeaveNothing()
    {
        QFETCH(QString, method);
        QFETCH(QString, options);
        QFETCH(QString, says);
        const auto entries = QDir(m_folder.path()).entryList(QDir::AllEntries | QDir::Hidden);
        QuantizeSpec spec = smallJob(method.toStdString(), path("none").toStdString());
        spec.options = *json::parse(options.toStdString(), "options");
        const auto result = test::run(spec);
        QVERIFY(!result);
        QCOMPARE(result.error().code, Errc::Usage);
        const QString sentence = QString::fromStdString(result.error().sentence());
        QVERIFY2(sentence.contains(says), qPrintable(sentence));
        QCOMPARE(QDir(m_folder.path()).entryList(QDir::AllEntries | QDir::Hidden), entries);
    }

    void aLibraryThatDoesNotLoadIsAWarning()
    {
        QVERIFY(QDir().mkpath(path("theirs")));
        QFile file(path("theirs/broken.json"));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(
            R"({"id":"broken","name":"Broken","api":1,"summary":"No.","needs":{"hessian":false},"result":"dense"})");
        file.close();
        qputenv("SA_PLUGIN_PATH", path("theirs").toUtf8());
        const auto listed = test::run(MethodsSpec());
        qunsetenv("SA_PLUGIN_PATH");
        QVERIFY(listed);
        QVERIFY((*listed)["methods"].size() >= 7);
        QCOMPARE((*listed)["warnings"].size(), std::size_t{1});
        QVERIFY((*listed)["warnings"][0].get<std::string>().find("broken.so") != std::string::npos);
        for (const auto& method : (*listed)["methods"])
            QCOMPARE(method["usable"].get<bool>(), method["id"] != "broken");
    }
};

QTEST_APPLESS_MAIN(TestMethodJobs)
#include "tst_method_jobs.moc"
