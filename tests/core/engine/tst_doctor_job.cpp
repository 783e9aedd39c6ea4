// SPDX-License-Identifier: GPL-3.0-or-later
// The doctor's list on whole, poor and broken folders.
#include "core/base/atomic_file.h"
#include "core/base/file.h"
#include "job_runner.h"

#include <QDir>
#include <QTemporaryDir>
#include <QTest>

using namespace sa;

namespace
{

const QString kModel = SA_SOURCE_DIR "/resources/sample-model";

Json examine(const QString& folder)
{
    const auto report = test::run(DoctorSpec{folder.toStdString()});
    return report ? *report : Json();
}

Json checkOf(const Json& report, const char* id)
{
    for (const auto& check : report.value("checks", Json::array()))
        if (check["id"] == id)
            return check;
    return Json();
}

void copySample(const QString& to)
{
    QVERIFY(QDir().mkpath(to));
    for (const auto& name : QDir(kModel).entryList(QDir::Files)) {
        QVERIFY(QFile::copy(kModel + u'/' + name, to + u'/' + name));
        QFile::setPermissions(to + u'/' + name, QFile::ReadOwner | QFile::WriteOwner);
    }
}

} // namespace

class TestDoctorJob : public QObject
{
    Q_OBJECT
    QTemporaryDir m_folder;

private Q_SLOTS:
    void aWholeModelPasses()
    {
        const Json report = examine(kModel);
        QCOMPARE(report["failed"].get<int>(), 0);
        QCOMPARE(report["warnings"].get<int>(), 0);
        QCOMPARE(report["passed"].get<std::size_t>(), report["checks"].size());
        for (const char* id : {"architecture", "weights", "tensors", "dtypes", "tokenizer", "vocabulary", "template",
                               "memory", "resident", "disk", "time"})
            QVERIFY2(!checkOf(report, id).is_null(), id);
        // 13 MB of float16 become about 6 MB; a run holds some hundred MB with the libraries.
        const Json& estimates = report["estimates"];
        QVERIFY(estimates["disk_bytes"].get<double>() > 5e6 && estimates["disk_bytes"].get<double>() < 3e7);
        QVERIFY(estimates["memory_bytes"].get<double>() > 1e8 && estimates["memory_bytes"].get<double>() < 2e9);
        QVERIFY(estimates["seconds"].get<double>() > 0); // it follows the speed of the machine at this moment
    }

    void whatIsBrokenIsNamedWithItsRemedy_data()
    {
        QTest::addColumn<QString>("file");
        QTest::addColumn<QByteArray>("content");
        QTest::addColumn<QString>("check");
        QTest::addColumn<QString>("status");
        QTest::addRow("no configuration") << "config.json" << QByteArray() << "config"
                                          << "failed";
        QTest::addRow("a configuration that is no JSON") << "config.json" << QByteArray("{") << "config"
                                                         << "failed";
        QTest::addRow("another architecture")
            << "config.json" << QByteArray(R"({"architectures":["MambaForCausalLM"]})") << "architecture"
            << "failed";
        QTest::addRow("no weights") << "model.safetensors" << QByteArray() << "weights"
                                    << "failed";
        QTest::addRow("a pointer in place of weights")
            << "model.safetensors"
            << QByteArray("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 13840864\n") << "weights"
            << "failed";
        QTest::addRow("cut weights") << "model.safetensors" << QByteArray(64, '\0') << "weights"
                                     << "failed";
        QTest::addRow("no tokenizer") << "tokenizer.json" << QByteArray() << "tokenizer"
                                      << "failed";
        QTest::addRow("a tokenizer that is no JSON") << "tokenizer.json" << QByteArray("[") << "tokenizer"
                                                     << "failed";
        QTest::addRow("a broken template")
            << "chat_template.jinja" << QByteArray("{% for m in messages %}{{ m.content }") << "template"
            << "warning";
        QTest::addRow("a stray file") << "consolidated.00.pth" << QByteArray("x") << "weights"
                                      << "warning";
    }
    void whatIsBrokenIsNamedWithItsRemedy()
    {
        QFETCH(QString, file);
        QFETCH(QByteArray, content);
        QFETCH(QString, check);
        QFETCH(QString, status);
        const QString folder = m_folder.filePath(QString::fromLatin1(QTest::currentDataTag()));
        copySample(folder);
        const QString path = folder + u'/' + file;
        QFile::remove(path);
        if (!content.isEmpty()) {
            QFile out(path);
            QVERIFY(out.open(QIODevice::WriteOnly));
            out.write(content);
        }
        const Json report = examine(folder);
        const Json found = checkOf(report, check.toLatin1().constData());
        QVERIFY2(!found.is_null(), json::dump(report).c_str());
        QCOMPARE(QString::fromStdString(found["status"].get<std::string>()), status);
        QVERIFY(!found["detail"].get<std::string>().empty());
        QVERIFY(!found["remedy"].get<std::string>().empty());
        QCOMPARE(report[status == "failed" ? "failed" : "warnings"].get<int>(), 1);
    }

    void aFolderThatIsNotThereIsAnAnswerToo()
    {
        const Json report = examine(m_folder.filePath("absent"));
        QCOMPARE(report["failed"].get<int>(), 1);
    }
};

QTEST_APPLESS_MAIN(TestDoctorJob)
#include "tst_doctor_job.moc"
