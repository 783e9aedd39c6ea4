// SPDX-License-Identifier: GPL-3.0-or-later
// Every family through the whole job: quantize, run from planes, export, run the export.
#include "core/base/file.h"
#include "job_runner.h"

#include <QTemporaryDir>
#include <QTest>

#include <cmath>

using namespace sa;
using test::perplexityOf;
using test::run;

class TestFamilyJobs : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void packedEqualsItsExport_data()
    {
        QTest::addColumn<QString>("name");
        for (const char* name : {"opt-6m", "llama3-6m", "mistral-6m", "gemma-6m", "bloom-6m"})
            QTest::addRow("%s", name) << QString(name);
    }
    void packedEqualsItsExport()
    {
        QFETCH(QString, name);
        const std::string model = SA_SHARED_DIR "/models/" + name.toStdString();
        if (!exists(model))
            QSKIP("the shared models are not here");
        const QTemporaryDir folder;
        QuantizeSpec quantize;
        quantize.model = model;
        quantize.out = folder.filePath("packed").toStdString();
        quantize.calibration = {SA_SOURCE_DIR "/resources/sample-text/calibration.txt"};
        quantize.samples = 16;
        quantize.seqlen = 256;
        const auto quantized = run(quantize);
        QVERIFY2(quantized, quantized ? "" : quantized.error().sentence().c_str());
        ExportSpec exportSpec;
        exportSpec.model = quantize.out;
        exportSpec.out = folder.filePath("dense").toStdString();
        const auto exported = run(exportSpec);
        QVERIFY2(exported, exported ? "" : exported.error().sentence().c_str());
        QVERIFY(run(VerifySpec{quantize.out}));

        constexpr int kWindows = 8;
        const double original = perplexityOf(model, kWindows), packed = perplexityOf(quantize.out, kWindows),
                     dense = perplexityOf(exportSpec.out, kWindows);
        QVERIFY2(std::abs(packed / dense - 1.0) < 1e-3, qPrintable(QString("%1 and %2").arg(packed).arg(dense)));
        QVERIFY2(packed < 1.15 * original, qPrintable(QString("%1 after %2").arg(packed).arg(original)));
        qInfo("%s: %.3f, packed at 3 bits %.3f", qPrintable(name), original, packed);
    }

    void theDoctorFindsNothingWrong_data() { packedEqualsItsExport_data(); }
    void theDoctorFindsNothingWrong()
    {
        QFETCH(QString, name);
        const std::string model = SA_SHARED_DIR "/models/" + name.toStdString();
        if (!exists(model))
            QSKIP("the shared models are not here");
        const auto report = run(DoctorSpec{model});
        QVERIFY(report);
        QCOMPARE((*report)["failed"].get<int>(), 0);
        QVERIFY((*report)["estimates"]["seconds"].get<double>() > 0);
    }
};

QTEST_APPLESS_MAIN(TestFamilyJobs)
#include "tst_family_jobs.moc"
