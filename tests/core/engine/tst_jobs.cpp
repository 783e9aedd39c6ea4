// SPDX-License-Identifier: GPL-3.0-or-later
// Whole jobs on the bundled model.
#include "core/base/atomic_file.h"
#include "core/base/file.h"
#include "core/model/model_folder.h"
#include "job_runner.h"
#include "tests/support/folder_digests.h"

#include <QDir>
#include <QTemporaryDir>
#include <QTest>

#include <cmath>

using namespace sa;
using test::digestsOf;
using test::run;

namespace
{

const std::string kModel = SA_SOURCE_DIR "/resources/sample-model";
const std::string kCalibration = SA_SOURCE_DIR "/resources/sample-text/calibration.txt";

QuantizeSpec smallJob(const std::string& out)
{
    QuantizeSpec spec;
    spec.model = kModel;
    spec.out = out;
    spec.bits = 3;
    spec.calibration = {kCalibration};
    spec.samples = 8;
    spec.seqlen = 128;
    return spec;
}

double perplexityOf(const std::string& model)
{
    return test::perplexityOf(model, 24);
}

} // namespace

class TestJobs : public QObject
{
    Q_OBJECT
    QTemporaryDir m_folder;
    QString path(const char* name) const { return m_folder.filePath(QString::fromLatin1(name)); }
    QStringList leftovers() const
    {
        return QDir(m_folder.path()).entryList(QDir::AllEntries | QDir::Hidden | QDir::NoDotAndDotDot);
    }

private Q_SLOTS:
    void initTestCase()
    {
        std::vector<Json> events;
        const auto result = run(smallJob(path("packed").toStdString()), &events);
        QVERIFY2(result, result ? "" : result.error().sentence().c_str());
        QCOMPARE((*result)["layers"].size(), std::size_t{42});
        // 3 planes; the scales of 8 row groups: 48 bits per 8 columns of N rows
        QVERIFY((*result)["bits_per_weight"].get<double>() > 3.0 && (*result)["bits_per_weight"].get<double>() < 3.3);
        QVERIFY((*result)["stored_bytes"].get<std::uint64_t>() < (*result)["original_bytes"].get<std::uint64_t>() / 2);
        int layers = 0;
        double lastDone = 0;
        for (const auto& event : events) {
            layers += event.contains("layer") ? 1 : 0;
            if (event.contains("progress") && event["progress"]["phase"] == "quantize") {
                QVERIFY(event["progress"]["done"].get<double>() >= lastDone);
                lastDone = event["progress"]["done"].get<double>();
            }
        }
        QCOMPARE(layers, 42);
        for (const auto& layer : (*result)["layers"])
            QVERIFY(layer["relative_error"].get<double>() > 0 && layer["relative_error"].get<double>() < 0.2);
    }

    void sameBytesForAnyNumberOfThreadsAndAnyRepeat_data()
    {
        QTest::addColumn<int>("threads");
        QTest::addRow("one thread") << 1;
        QTest::addRow("two threads") << 2;
        QTest::addRow("three threads") << 3;
    }
    void sameBytesForAnyNumberOfThreadsAndAnyRepeat()
    {
        QFETCH(int, threads);
        QuantizeSpec spec = smallJob(path("again").toStdString());
        spec.threads = threads;
        QVERIFY(run(spec));
        const auto expected = digestsOf(path("packed")), found = digestsOf(path("again"));
        QVERIFY(expected.size() >= 10);
        QVERIFY(expected == found);
        QVERIFY(QDir(path("again")).removeRecursively());
    }

    void otherSeedsGiveOtherBytes()
    {
        QuantizeSpec spec = smallJob(path("other").toStdString());
        spec.seed = 1;
        QVERIFY(run(spec));
        QVERIFY(digestsOf(path("packed")) != digestsOf(path("other")));
        QVERIFY(QDir(path("other")).removeRecursively());
    }

    void nothingOfTheMachineIsInTheFolder()
    {
        for (const auto& [fileName, digest] : digestsOf(path("packed"))) {
            const auto content = readFile(path("packed").toStdString() + "/" + fileName.toStdString(), 64u << 20);
            QVERIFY(content);
            QVERIFY2(content->find(m_folder.path().toStdString()) == std::string::npos, qPrintable(fileName));
            QVERIFY2(content->find(SA_SOURCE_DIR) == std::string::npos, qPrintable(fileName));
        }
    }

    void thePackedModelComputesWhatItsExportDoes()
    {
        QVERIFY(run(VerifySpec{path("packed").toStdString()}));
        const auto writeGate = [&](bool accepted) {
            const Json gate{
                {"gate",
                 {{"accepted", accepted}, {"limits", {{{"name", "mean KL"}, {"value", 0.07}, {"passed", false}}}}}}};
            return writeFileAtomic(path("gate.json").toStdString(), json::dump(gate)).has_value();
        };
        ExportSpec gated{path("packed").toStdString(), path("gated").toStdString(), "hf-fp16",
                         path("gate.json").toStdString()};
        QVERIFY(writeGate(false));
        const auto stopped = run(gated);
        QVERIFY(!stopped && stopped.error().found.find("mean KL 0.07") != std::string::npos);
        QVERIFY(!QFile::exists(path("gated")));
        QVERIFY(writeGate(true));
        QVERIFY(run(gated));
        QVERIFY(QFile::exists(path("gated") + "/certificate.json"));

        const auto exported = run(ExportSpec{path("packed").toStdString(), path("dense").toStdString(), "hf-fp16"});
        QVERIFY2(exported, exported ? "" : exported.error().sentence().c_str());
        const double original = perplexityOf(kModel), packed = perplexityOf(path("packed").toStdString()),
                     dense = perplexityOf(path("dense").toStdString());
        QVERIFY2(std::abs(packed / dense - 1) < 1e-3, qPrintable(QString("%1 %2").arg(packed).arg(dense)));
        QVERIFY2(packed > original && packed < 1.08 * original, qPrintable(QString("%1 %2").arg(packed).arg(original)));
    }

    void accRunsFromPlanesAndComputesWhatItsExportDoes()
    {
        QuantizeSpec spec = smallJob(path("acc").toStdString());
        spec.mode = "acc";
        spec.threads = 1;
        const auto result = run(spec);
        QVERIFY2(result, result ? "" : result.error().sentence().c_str());
        QVERIFY((*result)["bits_per_weight"].get<double>() < 3.2);
        QVERIFY(run(VerifySpec{spec.out}));
        const auto opened = ModelFolder::open(spec.out);
        QVERIFY(opened);
        const PackedLayerInfo* layer = opened->packedLayer("model.layers.2.mlp.down_proj");
        QVERIFY(layer && layer->C == 1 && layer->R == layer->N);
        QVERIFY(layer->inputRotation && layer->outputRotation && layer->inputRotation != layer->outputRotation);

        QVERIFY(run(ExportSpec{spec.out, path("acc-dense").toStdString(), "hf-fp16"}));
        const double original = perplexityOf(kModel), packed = perplexityOf(spec.out),
                     dense = perplexityOf(path("acc-dense").toStdString());
        QVERIFY2(std::abs(packed / dense - 1) < 1e-3, qPrintable(QString("%1 %2").arg(packed).arg(dense)));
        QVERIFY2(packed > original && packed < 1.08 * original, qPrintable(QString("%1 %2").arg(packed).arg(original)));
        const auto refused = run(ExportSpec{spec.out, path("none").toStdString(), "reference-pt"});
        QVERIFY(!refused);
        QCOMPARE(refused.error().code, Errc::Unsupported);

        const auto expected = digestsOf(path("acc"));
        QVERIFY(QDir(path("acc")).removeRecursively());
        spec.threads = 3;
        QVERIFY(run(spec));
        QVERIFY(digestsOf(path("acc")) == expected);
        for (const char* folder : {"acc", "acc-dense"})
            QVERIFY(QDir(path(folder)).removeRecursively());
    }

    void outlierChannelsChangeNeitherTheFunctionNorWhatIsLost()
    {
        const std::string variant = path("variant").toStdString();
        const auto made = run(AddOutliersSpec{kModel, variant});
        QVERIFY2(made, made ? "" : made.error().sentence().c_str());
        const double original = perplexityOf(kModel), same = perplexityOf(variant);
        QVERIFY2(std::abs(same / original - 1) < 2e-3, qPrintable(QString("%1 %2").arg(same).arg(original)));

        const double plain = perplexityOf(path("packed").toStdString());
        QuantizeSpec spec = smallJob(path("rescaled").toStdString());
        spec.model = variant;
        QVERIFY(run(spec));
        const double rescaled = perplexityOf(spec.out);
        QVERIFY2(std::abs(rescaled / plain - 1) < 0.015, qPrintable(QString("%1 %2").arg(rescaled).arg(plain)));
        spec.out = path("bare").toStdString();
        spec.rescale = spec.rotate = false; // the sweep of the paper
        spec.damping = 0.01;
        spec.weightedFit = false;
        spec.refinements = 0;
        QVERIFY(run(spec));
        const double bare = perplexityOf(spec.out);
        QVERIFY2(bare > 1.15 * plain, qPrintable(QString("%1 %2").arg(bare).arg(plain)));
        const auto packedSource = run(AddOutliersSpec{path("packed").toStdString(), path("none").toStdString()});
        QVERIFY(!packedSource);
        QCOMPARE(packedSource.error().code, Errc::BadInput);
        for (const char* folder : {"variant", "rescaled", "bare"})
            QVERIFY(QDir(path(folder)).removeRecursively());
    }

    void theReferencesFilesKeepEveryBit()
    {
        const std::string files = path("theirs").toStdString(), back = path("back").toStdString();
        const auto rotated = run(ExportSpec{path("packed").toStdString(), files, "reference-pt"});
        QVERIFY(!rotated);
        QVERIFY(rotated.error().sentence().find("--rotate off") != std::string::npos);
        QuantizeSpec spec = smallJob(path("plain").toStdString());
        spec.rotate = spec.rescale = false;
        QVERIFY(run(spec));
        const auto exported = run(ExportSpec{spec.out, files, "reference-pt"});
        QVERIFY2(exported, exported ? "" : exported.error().sentence().c_str());
        const auto names = QDir(path("theirs")).entryList(QDir::Files);
        QCOMPARE(names.size(), 42);
        QVERIFY2(names.contains("plain_3.mlp.up_proj_3bit.pt"), qPrintable(names.front()));
        std::vector<Json> events;
        const auto imported = run(ImportReferenceSpec{files, kModel, back}, &events);
        QVERIFY2(imported, imported ? "" : imported.error().sentence().c_str());
        QCOMPARE((*imported)["layers"].size(), std::size_t{42});
        for (const auto& layer : (*imported)["layers"])
            QVERIFY(layer["relative_error"].get<double>() > 0 && layer["relative_error"].get<double>() < 0.2);
        for (const auto& event : events)
            QVERIFY2(!event.contains("note") || event["note"]["severity"] == "info", event.dump().c_str());
        QVERIFY(run(VerifySpec{back}));
        // Not the shards themselves: a scale may be spelled as another sum of the same value. The weights are the same.
        const std::string dense = path("dense-before").toStdString(), denseBack = path("dense-after").toStdString();
        QVERIFY(run(ExportSpec{spec.out, dense, "hf-fp16"}));
        QVERIFY(run(ExportSpec{back, denseBack, "hf-fp16"}));
        const auto before = digestsOf(path("dense-before")), after = digestsOf(path("dense-after"));
        int shards = 0;
        for (const auto& [fileName, digest] : before)
            if (fileName.endsWith(".safetensors")) {
                ++shards;
                QCOMPARE(after.at(fileName), digest);
            }
        QCOMPARE(shards, 7);
        const auto opened = run(OpenSpec{back});
        QVERIFY(opened);
        QCOMPARE((*opened)["quantization"]["bits"].get<int>(), 3);

        // A file less, another base, and an original that nothing was packed from
        QVERIFY(QFile::remove(path("theirs/plain_3.mlp.up_proj_3bit.pt")));
        const auto missing = run(ImportReferenceSpec{files, kModel, path("none").toStdString()});
        QVERIFY(!missing);
        QCOMPARE(missing.error().code, Errc::NotFound);
        QVERIFY(missing.error().sentence().find("model.layers.3.mlp.up_proj") != std::string::npos);
        const auto packedBase = run(ImportReferenceSpec{files, back, path("none").toStdString()});
        QVERIFY(!packedBase);
        QCOMPARE(packedBase.error().code, Errc::BadInput);
        const auto original = run(ExportSpec{kModel, path("none").toStdString(), "reference-pt"});
        QVERIFY(!original);
        QCOMPARE(original.error().code, Errc::BadInput);
        QVERIFY(!leftovers().contains("none"));
        for (const char* folder : {"plain", "theirs", "back", "dense-before", "dense-after"})
            QVERIFY(QDir(path(folder)).removeRecursively());
    }

    void aPackedModelDescribesItself()
    {
        const auto opened = run(OpenSpec{path("packed").toStdString()});
        QVERIFY(opened);
        QCOMPARE((*opened)["format"].get<std::string>(), std::string("packed"));
        QCOMPARE((*opened)["parameters"].get<int>(), 6917376);
        QCOMPARE((*opened)["original_bytes"].get<int>(), 13840864);
        QCOMPARE((*opened)["quantization"]["mode"].get<std::string>(), std::string("lat"));
        QVERIFY((*opened)["layers"][0]["bits"].get<double>() > 3.0);
        QVERIFY((*opened)["layers"][0]["error"].get<double>() > 0.0);
        QCOMPARE((*opened)["cost"]["variants"][1]["name"].get<std::string>(), std::string("packed"));
        const auto original = run(OpenSpec{kModel});
        QVERIFY(original);
        // The folder costs what was forecast for it.
        Json forecast = (*original)["cost"]["variants"][2];
        forecast["name"] = "packed";
        QVERIFY((*opened)["cost"]["variants"][1] == forecast);
        QVERIFY((*original)["quantization"].is_null());
        QCOMPARE((*original)["layers"].size(), (*opened)["layers"].size());
    }

    void theGeneratedTextIsTheSumOfItsTokens()
    {
        GenerateSpec spec;
        spec.model = path("packed").toStdString();
        spec.prompt = "The game was released in";
        spec.maxTokens = 16;
        spec.greedy = true;
        std::vector<Json> events;
        const auto result = run(spec, &events);
        QVERIFY(result);
        std::string text;
        for (const auto& event : events)
            if (event.contains("token"))
                text += event["token"]["text"].get<std::string>();
        QCOMPARE((*result)["text"].get<std::string>(), text);
        QCOMPARE((*result)["ids"].size(), std::size_t{16});
        QCOMPARE(text.front(), ' '); // the word after the prompt keeps its space
    }

    void badJobsAreRefusedAndLeaveNothing_data()
    {
        QTest::addColumn<QString>("what");
        QTest::addColumn<QString>("code");
        for (const auto& [what, code] : {std::pair{"packed source", "BadInput"},
                                         {"busy output", "BadInput"},
                                         {"no calibration file", "NotFound"},
                                         {"calibration text too short", "BadInput"},
                                         {"window beyond the context", "Usage"},
                                         {"unknown mode", "Usage"},
                                         {"no such device", "Device"},
                                         {"no folder", "NotFound"}})
            QTest::addRow("%s", what) << what << code;
    }
    void badJobsAreRefusedAndLeaveNothing()
    {
        QFETCH(QString, what);
        QFETCH(QString, code);
        const auto before = leftovers();
        QuantizeSpec spec = smallJob(path("out").toStdString());
        if (what == "packed source")
            spec.model = path("packed").toStdString();
        if (what == "busy output")
            spec.out = path("packed").toStdString();
        if (what == "no calibration file")
            spec.calibration = {path("absent.txt").toStdString()};
        if (what == "calibration text too short")
            spec.calibration = {kModel + "/generation_config.json"};
        if (what == "window beyond the context")
            spec.seqlen = 2048;
        if (what == "unknown mode")
            spec.mode = "fast";
        if (what == "no such device")
            spec.device = "cuda:99";
        if (what == "no folder")
            spec.model = path("absent").toStdString();
        const auto result = run(spec);
        QVERIFY(!result);
        QCOMPARE(QString::fromLatin1(name(result.error().code)), code);
        QCOMPARE(leftovers(), before);
    }

    void aCancelledJobKeepsItsFinishedBlocksAndGoesOn()
    {
        const auto before = leftovers();
        const auto runUntil = [&](const QuantizeSpec& spec, int lastLayer) {
            CancelToken cancel;
            int layers = 0;
            return runJob(
                spec,
                [&](const Json& event) {
                    if (event.contains("layer") && ++layers == lastLayer)
                        cancel.cancel();
                },
                cancel);
        };
        QuantizeSpec spec = smallJob(path("out").toStdString());
        const auto early = runUntil(spec, 3);
        QVERIFY(!early);
        QCOMPARE(early.error().code, Errc::Cancelled);
        QCOMPARE(leftovers(), before); // no block was finished

        const auto late = runUntil(spec, 10);
        QVERIFY(!late);
        QCOMPARE(late.error().code, Errc::Cancelled);
        QVERIFY2(late.error().remedy.find("--resume") != std::string::npos, late.error().sentence().c_str());
        QVERIFY(!QDir(path("out")).exists());
        QVERIFY(leftovers().size() > before.size());
        spec.resume = true;
        const auto resumed = run(spec);
        QVERIFY2(resumed, resumed ? "" : resumed.error().sentence().c_str());
        QVERIFY(digestsOf(path("out")) == digestsOf(path("packed")));
        QVERIFY(QDir(path("out")).removeRecursively());
        QCOMPARE(leftovers(), before);
    }
};

QTEST_APPLESS_MAIN(TestJobs)
#include "tst_jobs.moc"
