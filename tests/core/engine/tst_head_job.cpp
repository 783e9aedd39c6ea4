// SPDX-License-Identifier: GPL-3.0-or-later
// The output head in a form of its own (docs/decisions/0019), through quantize, open, verify, eval and export.
#include "core/base/atomic_file.h"
#include "core/base/file.h"
#include "core/checkpoint/byte_weight.h"
#include "job_runner.h"
#include "tests/support/folder_digests.h"
#include "tests/support/tiny_family.h"
#include "tests/support/tiny_model.h"

#include <QDir>
#include <QTemporaryDir>
#include <QTest>

#include <cmath>
#include <limits>

using namespace sa;
using test::run;

class TestHeadJob : public QObject
{
    Q_OBJECT

    QTemporaryDir m_folder;
    QString path(const QString& name) const { return m_folder.filePath(name); }
    std::string text(const QString& name) const { return path(name).toStdString(); }

    QuantizeSpec tinyJob(const QString& out, int headBits) const
    {
        QuantizeSpec spec;
        spec.model = text("tiny");
        spec.out = text(out);
        spec.bits = 2;
        spec.headBits = headBits;
        spec.calibration = {text("text.txt")};
        spec.samples = 3;
        spec.seqlen = 64;
        spec.rounds = 2;
        return spec;
    }
    /// A folder that is gone when the test ends.
    QString fresh(const QString& name) const
    {
        QDir(path(name)).removeRecursively();
        return name;
    }
    static double perplexity(const std::string& model, const std::string& file, int seqlen)
    {
        EvaluateSpec spec;
        spec.model = model;
        spec.text = file;
        spec.seqlen = seqlen;
        spec.cache = false;
        const auto result = run(spec);
        return result ? (*result)["perplexity"].get<double>() : NAN;
    }

private Q_SLOTS:
    void initTestCase()
    {
        QVERIFY(QDir().mkpath(path("tiny")) && test::writeTinyModel(text("tiny")));
        QVERIFY(test::writeShortText(text("text.txt")));
        QVERIFY(writeFileAtomic(text("letters.txt"), test::lettersText(4000)));
    }

    void everyFamilyEqualsItsExport_data()
    {
        QTest::addColumn<QString>("family");
        QTest::addColumn<int>("bits");
        QTest::addColumn<QString>("mode");
        for (const QString& name : QDir(test::kFamilies).entryList(QDir::Dirs | QDir::NoDotAndDotDot))
            for (const int bits : {8, 3})
                QTest::addRow("%s, a head of %d bits", qPrintable(name), bits) << name << bits << QString("lat");
        QTest::addRow("gemma-2, a head of 2 bits, acc") << QString("gemma-2") << 2 << QString("acc");
    }
    void everyFamilyEqualsItsExport()
    {
        QFETCH(QString, family);
        QFETCH(int, bits);
        QFETCH(QString, mode);
        const QString model = fresh("family"), packed = fresh("packed"), dense = fresh("dense");
        QVERIFY(test::copyTinyFamily(family, path(model)));
        QuantizeSpec spec;
        spec.model = text(model);
        spec.out = text(packed);
        spec.mode = mode.toStdString();
        spec.headBits = bits;
        spec.calibration = {text("letters.txt")};
        spec.samples = 8;
        spec.seqlen = 16;
        spec.rounds = 2;
        const auto result = run(spec);
        QVERIFY2(result, result ? "" : result.error().sentence().c_str());
        QCOMPARE((*result)["head"]["bits"].get<int>(), bits);
        const double relativeError = (*result)["head"]["relative_error"].get<double>();
        QVERIFY2(relativeError > 0 && relativeError < (bits == 8 ? 1e-3 : 0.5),
                 qPrintable(QString::number(relativeError)));
        const auto verified = run(VerifySpec{spec.out});
        QVERIFY2(verified, verified ? "" : verified.error().sentence().c_str());
        const auto opened = run(OpenSpec{spec.out});
        QVERIFY(opened);
        QCOMPARE((*opened)["head"]["dtype"].get<std::string>(), std::string(bits == 8 ? "I8" : "planes"));
        QVERIFY((*opened)["head"]["bytes"] == (*result)["head"]["bytes"]);
        QCOMPARE((*opened)["quantization"]["version"].get<int>(), 3);

        ExportSpec exportSpec;
        exportSpec.model = spec.out;
        exportSpec.out = text(dense);
        const auto exported = run(exportSpec);
        QVERIFY2(exported, exported ? "" : exported.error().sentence().c_str());
        const auto config = json::parseFile(text(dense + "/config.json"));
        QVERIFY(config && (*config)["tie_word_embeddings"] == false);
        const double own = perplexity(spec.out, text("letters.txt"), 16),
                     ofExport = perplexity(exportSpec.out, text("letters.txt"), 16);
        // Random weights may be far worse than guessing; their large logits carry float16's rounding along.
        const double guess = (*config)["vocab_size"].get<double>();
        const double allowed = 1e-3 * std::max(1.0, std::log(own) / std::log(guess));
        QVERIFY2(std::abs(own / ofExport - 1.0) < allowed, qPrintable(QString("%1 and %2").arg(own).arg(ofExport)));
    }

    /// Blocks do not know of the head; a generated token goes through the row kernel, an evaluation through the matrix.
    void eightBitsCostNextToNothing()
    {
        QuantizeSpec spec;
        spec.model = SA_SOURCE_DIR "/resources/sample-model";
        spec.samples = 4;
        spec.seqlen = 128;
        spec.rounds = 5;
        spec.refinements = 0;
        double perplexities[2];
        std::map<std::string, std::string> digests[2];
        std::string said[2];
        for (const int i : {0, 1}) {
            spec.out = text(fresh(i == 0 ? "kept" : "bytes"));
            spec.headBits = i == 0 ? 16 : 8;
            const auto result = run(spec);
            QVERIFY2(result, result ? "" : result.error().sentence().c_str());
            QCOMPARE(result->contains("head"), i == 1);
            if (i == 1)
                QVERIFY((*result)["head"]["relative_error"].get<double>() < 2e-4);
            perplexities[i] = test::perplexityOf(spec.out, 4);
            const auto opened = run(OpenSpec{spec.out});
            QVERIFY(opened);
            for (const Json& layer : (*opened)["layers"])
                digests[i][layer["name"].get<std::string>()] = json::dump(layer["error"]);
            QCOMPARE((*opened)["quantization"]["version"].get<int>(), i == 0 ? 2 : 3);
            GenerateSpec generate;
            generate.model = spec.out;
            generate.prompt = "The city of";
            generate.maxTokens = 6;
            generate.greedy = true;
            const auto generated = run(generate);
            QVERIFY(generated);
            said[i] = (*generated)["text"].get<std::string>();
        }
        QVERIFY2(std::abs(perplexities[1] / perplexities[0] - 1.0) < 1e-3,
                 qPrintable(QString("%1 and %2").arg(perplexities[0]).arg(perplexities[1])));
        QVERIFY(digests[0] == digests[1]);
        QCOMPARE(said[0], said[1]);
    }

    void fewerBitsLoseMore()
    {
        double before = 0;
        for (const int bits : {8, 4, 3, 2, 1}) {
            const auto result = run(tinyJob(fresh("tiny-head"), bits));
            QVERIFY2(result, result ? "" : result.error().sentence().c_str());
            const double error = (*result)["head"]["relative_error"].get<double>();
            QVERIFY2(error > before, qPrintable(QString("%1 bits: %2").arg(bits).arg(error)));
            before = error;
        }
    }

    void aResumedJobIsTheUninterruptedOne_data()
    {
        QTest::addColumn<int>("bits");
        QTest::addColumn<int>("layers");
        QTest::addRow("bytes, stopped in the third block") << 8 << 17;
        QTest::addRow("planes, stopped in the third block") << 3 << 17;
        QTest::addRow("planes, stopped in the last block") << 3 << 6 * test::kTinyLayersPerBlock;
    }
    void aResumedJobIsTheUninterruptedOne()
    {
        QFETCH(int, bits);
        QFETCH(int, layers);
        QVERIFY(run(tinyJob(fresh("whole"), bits)));
        QuantizeSpec spec = tinyJob(fresh("resumed"), bits);
        CancelToken cancel;
        int seen = 0;
        const auto stopped = runJob(
            spec,
            [&](const Json& event) {
                if (event.contains("layer") && ++seen == layers)
                    cancel.cancel();
            },
            cancel);
        QVERIFY(!stopped);
        QCOMPARE(stopped.error().code, Errc::Cancelled);
        QuantizeSpec other = spec;
        other.resume = true;
        other.headBits = 16;
        const auto refused = run(other);
        QVERIFY(!refused);
        QVERIFY2(refused.error().message.find("recipe.head_bits (found ") != std::string::npos,
                 refused.error().message.c_str());
        spec.resume = true;
        spec.threads = 1;
        const auto finished = run(spec);
        QVERIFY2(finished, finished ? "" : finished.error().sentence().c_str());
        QVERIFY(test::digestsOf(path("whole")) == test::digestsOf(path("resumed")));
    }

    void whatCannotBeIsRefused_data()
    {
        QTest::addColumn<QString>("method");
        QTest::addColumn<int>("bits");
        QTest::addColumn<QString>("where");
        QTest::addRow("a head of 5 bits") << QString("shiftadd") << 5 << QString("spec.head_bits");
        QTest::addRow("a head of 0 bits") << QString("shiftadd") << 0 << QString("spec.head_bits");
        QTest::addRow("a method that leaves heads alone") << QString("rtn") << 8 << QString("head_bits");
    }
    void whatCannotBeIsRefused()
    {
        QFETCH(QString, method);
        QFETCH(int, bits);
        QFETCH(QString, where);
        QuantizeSpec spec = tinyJob(fresh("refused"), bits);
        spec.method = method.toStdString();
        const auto parsed = parseJobSpec("quantize", toJson(JobSpec(spec)));
        const auto outcome = parsed ? run(*parsed) : Result<Json>(parsed.error());
        QVERIFY(!outcome);
        QVERIFY2(outcome.error().where == where.toStdString(), outcome.error().sentence().c_str());
        QVERIFY(!exists(spec.out));
    }

    void theReferencesFormHasNoSuchHead()
    {
        QVERIFY(run(tinyJob(fresh("packed"), 8)));
        ExportSpec spec;
        spec.model = text("packed");
        spec.out = text(fresh("dense"));
        spec.format = "reference-pt";
        const auto outcome = run(spec);
        QVERIFY(!outcome);
        QCOMPARE(outcome.error().code, Errc::Unsupported);
        QCOMPARE(outcome.error().where, std::string("lm_head"));
        QVERIFY(!exists(spec.out));
    }

    void aDamagedHeadIsFound_data()
    {
        QTest::addColumn<QString>("field");
        QTest::addColumn<QString>("value");
        QTest::addColumn<QString>("message");
        QTest::addRow("another name") << "/head/name"
                                      << "\"head\""
                                      << "the head has another name";
        QTest::addRow("another shape") << "/head/N"
                                       << "4095"
                                       << "another shape than the architecture";
        QTest::addRow("other bits") << "/head/bits"
                                    << "7"
                                    << "";
        QTest::addRow("no such entry") << "/head"
                                       << "null"
                                       << "belongs to no layer";
    }
    void aDamagedHeadIsFound()
    {
        QFETCH(QString, field);
        QFETCH(QString, value);
        QFETCH(QString, message);
        QVERIFY(run(tinyJob(fresh("packed"), 8)));
        auto config = json::parseFile(text("packed/config.json"));
        QVERIFY(config);
        (*config)["quantization_config"][Json::json_pointer(field.toStdString())] = Json::parse(value.toStdString());
        QVERIFY(writeFileAtomic(text("packed/config.json"), json::dumpPretty(*config)));
        const auto outcome = run(VerifySpec{text("packed")});
        QVERIFY(!outcome);
        QVERIFY2(QString::fromStdString(outcome.error().message).contains(message), outcome.error().sentence().c_str());
    }

    void bytesAreTheNearestOnes()
    {
        constexpr int N = 300, K = 5;
        std::vector<float> w(N * K), back(N * K);
        for (std::size_t i = 0; i < w.size(); ++i)
            w[i] = static_cast<float>(static_cast<int>(i * 2654435761U >> 20) - 2048) * 0x1p-9F;
        std::fill_n(w.begin() + K, K, 0.0F);                                         // an empty row
        std::fill_n(w.begin() + 2 * K, K, std::numeric_limits<float>::denorm_min()); // too small for a scale
        std::fill_n(w.begin() + 3 * K, K, std::numeric_limits<float>::max());
        const ByteWeight bytes = ByteWeight::nearest(w.data(), N, K);
        bytes.unpack(back.data());
        for (std::size_t n = 0; n < N; ++n)
            for (std::size_t k = 0; k < K; ++k) {
                const float scale = bytes.scales[n];
                QVERIFY(bytes.codes[n * K + k] >= -127 && scale >= 0.0F);
                // Half a level, and what quotient and product are rounded by: 127 levels, twice 2^-24 of each.
                const double most = (0.5 + 127 * 0x1p-23) * scale + std::numeric_limits<float>::denorm_min();
                QVERIFY2(
                    std::abs(static_cast<double>(w[n * K + k]) - static_cast<double>(back[n * K + k])) <= most,
                    qPrintable(
                        QString("row %1 column %2: %3 as %4").arg(n).arg(k).arg(w[n * K + k]).arg(back[n * K + k])));
            }
        QCOMPARE(bytes.storedBytes(), std::uint64_t(N * K + 4 * N));
    }
};

QTEST_APPLESS_MAIN(TestHeadJob)
#include "tst_head_job.moc"
