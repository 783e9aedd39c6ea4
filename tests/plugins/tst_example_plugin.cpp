// SPDX-License-Identifier: GPL-3.0-or-later
// A stranger's method: built with a CMake project of its own against the installed headers alone, then found and used.
#include "core/base/json.h"

#include <QDir>
#include <QProcess>
#include <QTemporaryDir>
#include <QTest>

using namespace sa;

namespace
{

constexpr int kPatienceMs = 600'000; // compilers of busy machines

struct Ended {
    bool well = false;
    QByteArray output, complaint;
};

Ended runProgram(const QString& program, const QStringList& arguments, const QString& pluginPath = {})
{
    QProcess process;
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    if (!pluginPath.isEmpty())
        environment.insert("SA_PLUGIN_PATH", pluginPath);
    process.setProcessEnvironment(environment);
    process.start(program, arguments);
    const bool ended = process.waitForFinished(kPatienceMs);
    return {ended && process.exitStatus() == QProcess::NormalExit && process.exitCode() == 0,
            process.readAllStandardOutput(), process.readAllStandardError()};
}

} // namespace

class TestExamplePlugin : public QObject
{
    Q_OBJECT
    QTemporaryDir m_folder;
    QString path(const char* name) const { return m_folder.filePath(QString::fromLatin1(name)); }
    Json lastLine(const QByteArray& output) const
    {
        const auto lines = output.trimmed().split('\n');
        const auto parsed = json::parse(lines.back().toStdString(), "stdout");
        return parsed ? *parsed : Json::object();
    }

private Q_SLOTS:
    void initTestCase()
    {
        const QString cmake = SA_CMAKE;
        auto step =
            runProgram(cmake, {"--install", SA_BUILD_DIR, "--component", "plugin-sdk", "--prefix", path("sdk")});
        QVERIFY2(step.well, step.complaint.constData());
        QVERIFY(QDir(path("sdk/include")).entryList(QDir::Dirs | QDir::NoDotAndDotDot) == QStringList{"shiftadd"});
        step = runProgram(cmake, {"-S", SA_SOURCE_DIR "/plugins/example", "-B", path("build"), "-G", SA_GENERATOR,
                                  "-DCMAKE_PREFIX_PATH=" + path("sdk"), "-DCMAKE_CXX_COMPILER=" SA_CXX,
                                  "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Werror"});
        QVERIFY2(step.well, step.complaint.constData());
        step = runProgram(cmake, {"--build", path("build")});
        QVERIFY2(step.well, (step.output + step.complaint).constData());
    }

    void itIsListed()
    {
        const auto step = runProgram(SA_BIN_DIR "/shiftadd", {"methods", "--json"}, path("build"));
        QVERIFY2(step.well, step.complaint.constData());
        const Json result = lastLine(step.output)["result"];
        bool found = false;
        for (const Json& method : result["methods"])
            if (method["id"] == "powers-of-two") {
                found = true;
                QVERIFY(method["usable"].get<bool>());
                QCOMPARE(method["parameters"].size(), std::size_t{1});
            }
        QVERIFY2(found, step.output.constData());
    }

    void itQuantizes()
    {
        const auto step = runProgram(SA_BIN_DIR "/shiftadd",
                                     {"quantize", SA_SOURCE_DIR "/resources/sample-model", path("out"), "--method",
                                      "powers-of-two", "--set", "exponents=4", "--json"},
                                     path("build"));
        QVERIFY2(step.well, (step.output + step.complaint).constData());
        const Json result = lastLine(step.output)["result"];
        // a sign, two bits of exponent, a byte for a row of 256 or 704
        const double bits = result["bits_per_weight"].get<double>();
        QVERIFY2(bits > 3.0 && bits < 3.04, qPrintable(QString::number(bits)));
        QVERIFY(QFile::exists(path("out/shiftadd_record.json")));
    }

    void withoutItsFolderItIsUnknown()
    {
        const auto step = runProgram(SA_BIN_DIR "/shiftadd", {"quantize", SA_SOURCE_DIR "/resources/sample-model",
                                                              path("none"), "--method", "powers-of-two"});
        QVERIFY(!step.well);
        QVERIFY2(step.complaint.contains("powers-of-two") && step.complaint.contains("rtn"),
                 step.complaint.constData());
    }
};

QTEST_GUILESS_MAIN(TestExamplePlugin)
#include "tst_example_plugin.moc"
