// SPDX-License-Identifier: GPL-3.0-or-later
// The decode step on a CUDA device against the ordinary path; skipped where there is no device.
#include "job_runner.h"
#include "sa/kernels/gpu.h"
#include "tests/support/tiny_family.h"

#include <QDir>
#include <QTemporaryDir>
#include <QTest>

using namespace sa;
using test::run;

namespace
{

const QString kSample = SA_SOURCE_DIR "/resources/sample-model";

/// Name of the first way that was measured, which follows the agreement of its logits; empty when the job failed.
QString firstWay(const QString& model)
{
    BenchSpec bench;
    bench.model = model.toStdString();
    bench.context = 9;
    bench.decode = 4;
    bench.repeats = 1;
    bench.device = "cuda:0";
    const auto result = run(bench);
    if (!result) {
        qWarning("%s", result.error().sentence().c_str());
        return {};
    }
    return QString::fromStdString((*result)["models"][0]["name"].get<std::string>());
}

} // namespace

class TestDecodeStep : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        if (kernels::gpuCount() == 0)
            QSKIP("there is no CUDA device");
    }

    void everyFamilyAgreesOrTakesTheOrdinaryPath_data()
    {
        QTest::addColumn<QString>("variant");
        for (const QString& variant : QDir(test::kFamilies).entryList(QDir::Dirs | QDir::NoDotAndDotDot, QDir::Name))
            QTest::addRow("%s", qPrintable(variant)) << variant;
    }
    void everyFamilyAgreesOrTakesTheOrdinaryPath()
    {
        QFETCH(QString, variant);
        const bool ordinary = variant == "opt-projected-post-norm";
        QCOMPARE(firstWay(test::kFamilies + variant), QString(ordinary ? "ordinary path" : "decode step"));
    }

    void everyHeadAgrees_data()
    {
        QTest::addColumn<QString>("family");
        QTest::addColumn<int>("bits");
        for (const char* family : {"gemma-2", "bloom-6-heads", "opt-plain-norms-no-bias", "qwen3"})
            for (const int bits : {8, 3})
                QTest::addRow("%s, a head of %d bits", family, bits) << QString(family) << bits;
    }
    void everyHeadAgrees()
    {
        QFETCH(QString, family);
        QFETCH(int, bits);
        const QTemporaryDir folder;
        QVERIFY(test::copyTinyFamily(family, folder.filePath("model")));
        QVERIFY(writeFileAtomic(folder.filePath("text").toStdString(), test::lettersText(4000)));
        QuantizeSpec quantize;
        quantize.model = folder.filePath("model").toStdString();
        quantize.out = folder.filePath("packed").toStdString();
        quantize.calibration = {folder.filePath("text").toStdString()};
        quantize.samples = 8;
        quantize.seqlen = 16;
        quantize.headBits = bits;
        const auto quantized = run(quantize);
        QVERIFY2(quantized, quantized ? "" : quantized.error().sentence().c_str());
        QCOMPARE(firstWay(folder.filePath("packed")), QString("decode step"));
    }

    void everyGeometryAgrees_data()
    {
        QTest::addColumn<QString>("mode");
        QTest::addColumn<int>("groupRows");
        QTest::addColumn<bool>("rotate");
        QTest::addRow("lat as it comes") << "lat" << 0 << false;
        QTest::addRow("lat with rotations") << "lat" << 0 << true;
        QTest::addRow("small groups, which take tables") << "lat" << 4 << false;
        QTest::addRow("acc, with rotations") << "acc" << 0 << true;
        QTest::addRow("acc without") << "acc" << 0 << false;
    }
    void everyGeometryAgrees()
    {
        QFETCH(QString, mode);
        QFETCH(int, groupRows);
        QFETCH(bool, rotate);
        const QTemporaryDir folder;
        QuantizeSpec quantize;
        quantize.model = kSample.toStdString();
        quantize.out = folder.filePath("packed").toStdString();
        quantize.mode = mode.toStdString();
        quantize.samples = 8;
        quantize.seqlen = 64;
        quantize.rotate = rotate;
        if (groupRows > 0)
            quantize.groupRows = groupRows;
        const auto quantized = run(quantize);
        QVERIFY2(quantized, quantized ? "" : quantized.error().sentence().c_str());
        QCOMPARE(firstWay(QString::fromStdString(quantize.out)), QString("decode step"));

        GenerateSpec generate;
        generate.model = quantize.out;
        generate.prompt = "The old lighthouse";
        generate.maxTokens = 24;
        generate.greedy = true;
        const auto here = run(generate);
        generate.device = "cuda:0";
        const auto there = run(generate);
        QVERIFY(here && there);
        QCOMPARE(QString::fromStdString((*there)["text"].get<std::string>()),
                 QString::fromStdString((*here)["text"].get<std::string>()));
    }
};

QTEST_APPLESS_MAIN(TestDecodeStep)
#include "tst_decode_step.moc"
