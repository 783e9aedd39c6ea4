// SPDX-License-Identifier: GPL-3.0-or-later
// Analyses of a small model, in the test's own process, with a cache folder of their own.
#include "core/alloc/sensitivity.h"
#include "core/base/atomic_file.h"
#include "core/base/file.h"
#include "core/engine/downstream.h"
#include "core/engine/prediction.h"
#include "job_runner.h"
#include "tests/support/tiny_model.h"

#include <QDir>
#include <QDirIterator>
#include <QTemporaryDir>
#include <QTest>

#include <map>
#include <numeric>
#include <set>

using namespace sa;

namespace
{

constexpr int kBlocks = 3;
constexpr std::size_t kLinears = kBlocks * test::kTinyLayersPerBlock;

/// Overwrites the first values of a float32 tensor in a safetensors file.
bool patchTensor(const QString& path, const std::string& tensor, const std::vector<float>& values)
{
    QFile file(path);
    if (!file.open(QIODevice::ReadWrite))
        return false;
    std::uint64_t headerBytes = 0;
    if (file.read(reinterpret_cast<char*>(&headerBytes), 8) != 8)
        return false;
    const Json header = Json::parse(file.read(static_cast<qint64>(headerBytes)).toStdString());
    const auto begin = header.at(tensor).at("data_offsets").at(0).get<std::uint64_t>();
    const auto bytes = static_cast<qint64>(values.size() * sizeof(float));
    return file.seek(static_cast<qint64>(8 + headerBytes + begin)) &&
           file.write(reinterpret_cast<const char*>(values.data()), bytes) == bytes;
}

/// Layers as they were told, the last word on each.
struct Told {
    std::map<std::string, LinearSensitivity> last;
    std::size_t events = 0;
    QStringList warnings;
    std::set<std::string> phases;

    explicit Told(const std::vector<Json>& all)
    {
        for (const auto& event : all) {
            if (event.contains("sensitivity")) {
                auto linear = linearSensitivityFromJson(JsonField(event["sensitivity"], "event"));
                if (linear)
                    last[linear->name] = *linear;
                ++events;
            }
            if (event.contains("note") && event["note"]["severity"] == "warning")
                warnings += QString::fromStdString(event["note"]["message"].get<std::string>());
            if (event.contains("progress"))
                phases.insert(event["progress"]["phase"].get<std::string>());
        }
    }
};

std::string bytesOf(const std::string& path)
{
    const auto bytes = readFile(path, 1 << 26);
    return bytes ? *bytes : "";
}

} // namespace

class TestAnalyzeJob : public QObject
{
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string m_undisturbed; ///< bytes of the sensitivity of quickJob()

    QString path(const QString& name) const { return m_folder.filePath(name); }
    AnalyzeSpec quickJob(const QString& model = "tiny") const
    {
        AnalyzeSpec spec;
        spec.model = path(model).toStdString();
        spec.calibration = {path("text.txt").toStdString()};
        spec.samples = 3;
        spec.seqlen = 64;
        spec.rounds = 5;
        spec.bits = {1, 2, 3};
        spec.downstreamSamples = 2;
        spec.threads = 2;
        return spec;
    }
    Sensitivity analyzed(const AnalyzeSpec& spec, std::vector<Json>* events = nullptr) const
    {
        const auto result = test::run(spec, events);
        if (!result)
            qFatal("%s", result.error().sentence().c_str());
        auto sensitivity = readSensitivity((*result)["sensitivity_file"].get<std::string>());
        if (!sensitivity)
            qFatal("%s", sensitivity.error().sentence().c_str());
        return *std::move(sensitivity);
    }
    QString cache() const { return path("cache"); }
    QStringList cachedLayers() const
    {
        QStringList out;
        for (QDirIterator files(cache(), {"layer-*.json"}, QDir::Files, QDirIterator::Subdirectories); files.hasNext();)
            out += files.next();
        out.sort();
        return out;
    }

private Q_SLOTS:
    void initTestCase()
    {
        QVERIFY(QDir().mkpath(path("tiny")));
        QVERIFY(test::writeTinyModel(path("tiny").toStdString(), {.blocks = kBlocks}));
        QVERIFY(test::writeShortText(path("text.txt").toStdString()));
        AnalyzeSpec spec = quickJob();
        spec.cache = false;
        spec.saveTo = path("undisturbed.json").toStdString();
        const auto result = test::run(spec);
        QVERIFY2(result, result ? "" : result.error().sentence().c_str());
        m_undisturbed = bytesOf(spec.saveTo);
    }
    void init()
    {
        QDir(cache()).removeRecursively();
        qunsetenv("SHIFTADD_CACHE"); // which goes before
        qputenv("XDG_CACHE_HOME", cache().toUtf8());
    }

    void everyFigureIsMeasuredAndMoreBitsHurtLess()
    {
        std::vector<Json> events;
        const Sensitivity all = analyzed(quickJob(), &events);
        QCOMPARE(all.linears.size(), kLinears);
        QCOMPARE(all.forwardPasses, std::int64_t{2 + 3 * kLinears});
        QCOMPARE(all.tokens, 128);
        for (const auto& linear : all.linears) {
            QCOMPARE(linear.choices.size(), std::size_t{4});
            QCOMPARE(linear.criterion.provenance, Provenance::Measured);
            QVERIFY(linear.weightScore.known() && linear.problem.empty());
            for (const auto& choice : linear.choices) {
                QCOMPARE(choice.error.provenance, Provenance::Measured);
                QCOMPARE(choice.damage.provenance, Provenance::Measured);
            }
            QVERIFY(linear.choice(1)->error.value > linear.choice(2)->error.value);
            QVERIFY(linear.choice(2)->error.value > linear.choice(3)->error.value);
            QVERIFY(linear.choice(1)->damage.value > linear.choice(3)->damage.value);
            QVERIFY(linear.choice(3)->damage.value > 0);
            QCOMPARE(linear.choice(kKeptBits)->damage.value, 0.0);
            QVERIFY(linear.detail);
            QCOMPARE(linear.detail->histogram.counts.size(), std::size_t{64});
            QCOMPARE(std::accumulate(linear.detail->histogram.counts.begin(), linear.detail->histogram.counts.end(),
                                     std::uint64_t{0}),
                     linear.weights());
            QCOMPARE(linear.detail->planeResidual.size(), std::size_t{3});
            QVERIFY(!linear.detail->exponents.counts.empty());
        }
        const Told told(events);
        QCOMPARE(told.last.size(), kLinears);
        for (const auto& linear : all.linears)
            QVERIFY(toJson(told.last.at(linear.name)) == toJson(linear));
        QVERIFY(told.phases.contains("score") && told.phases.contains("measure") && told.phases.contains("damage"));
    }

    void bytesAreThoseThatQuantizeStores()
    {
        const Sensitivity all = analyzed(quickJob());
        QuantizeSpec quantize;
        static_cast<QuantizerOptions&>(quantize) = quickJob();
        quantize.model = path("tiny").toStdString();
        quantize.out = path("packed").toStdString();
        quantize.bits = 2;
        const auto result = test::run(quantize);
        QVERIFY2(result, result ? "" : result.error().sentence().c_str());
        for (const auto& layer : (*result)["layers"])
            QCOMPARE(all.find(layer["name"].get<std::string>())->choice(2)->bytes, layer["bytes"].get<std::uint64_t>());
        // The analysis is in the cache: the result says how good its prediction was.
        const Json prediction = result->value("prediction", Json::object());
        QCOMPARE(prediction.value("source", ""), std::string("cache"));
        QCOMPARE(prediction["layers"].size(), kLinears);
    }

    void threadsDoNotChangeABit()
    {
        AnalyzeSpec spec = quickJob();
        spec.cache = false;
        spec.saveTo = path("one-thread.json").toStdString();
        spec.threads = 1;
        QVERIFY(test::run(spec));
        QVERIFY(bytesOf(spec.saveTo) == m_undisturbed);
        spec.threads = 3;
        QVERIFY(test::run(spec));
        QVERIFY(bytesOf(spec.saveTo) == m_undisturbed);
    }

    void aSecondRunMeasuresNothingAndSaysTheSame()
    {
        const auto first = test::run(quickJob());
        QVERIFY(first && !(*first)["cached"].get<bool>());
        std::vector<Json> events;
        const auto second = test::run(quickJob(), &events);
        QVERIFY(second && (*second)["cached"].get<bool>());
        QVERIFY(!Told(events).phases.contains("measure") && !Told(events).phases.contains("damage"));
        QVERIFY(bytesOf((*second)["sensitivity_file"].get<std::string>()) == m_undisturbed);
    }

    void otherSettingsAndOtherWeightsAreMeasuredAnew()
    {
        QVERIFY(test::run(quickJob()));
        AnalyzeSpec other = quickJob();
        other.seed = 1;
        auto result = test::run(other);
        QVERIFY(result && !(*result)["cached"].get<bool>());
        other = quickJob();
        other.rounds = 4;
        result = test::run(other);
        QVERIFY(result && !(*result)["cached"].get<bool>());

        QVERIFY(QDir().mkpath(path("changed")));
        QVERIFY(test::writeTinyModel(path("changed").toStdString(), {.blocks = kBlocks}));
        QVERIFY(patchTensor(path("changed/model.safetensors"), "model.layers.0.mlp.up_proj.weight", {0.123f}));
        result = test::run(quickJob("changed"));
        QVERIFY(result && !(*result)["cached"].get<bool>());
    }

    void aCancelledAnalysisGoesOnWhereItStopped_data()
    {
        QTest::addColumn<int>("events");
        QTest::addRow("while errors are measured") << static_cast<int>(kLinears) + 8;
        QTest::addRow("while damages are measured") << 2 * static_cast<int>(kLinears) + 3;
        QTest::addRow("in a later round") << 3 * static_cast<int>(kLinears) + 2;
    }
    void aCancelledAnalysisGoesOnWhereItStopped()
    {
        QFETCH(int, events);
        CancelToken cancel;
        int seen = 0;
        const auto stopped = runJob(
            quickJob(),
            [&](const Json& event) {
                if (event.contains("sensitivity") && ++seen == events)
                    cancel.cancel();
            },
            cancel);
        QVERIFY(!stopped);
        QCOMPARE(stopped.error().code, Errc::Cancelled);
        QVERIFY(!cachedLayers().empty());

        const Sensitivity all = analyzed(quickJob());
        QVERIFY(json::dumpPretty(toJson(all)) == m_undisturbed || toJson(all) == Json::parse(m_undisturbed));
        const auto again = test::run(quickJob());
        QVERIFY(again && (*again)["cached"].get<bool>());
        QVERIFY(bytesOf((*again)["sensitivity_file"].get<std::string>()) == m_undisturbed);
    }

    void aDamagedEntryIsMeasuredAnew()
    {
        QVERIFY(test::run(quickJob()));
        const QStringList layers = cachedLayers();
        QCOMPARE(layers.size(), static_cast<int>(kLinears));
        const std::string entry = bytesOf(layers[4].toStdString());
        const auto digit = entry.find("\"value\":0.") + 10;
        std::string changed = entry;
        changed[digit] = entry[digit] == '5' ? '6' : '5';
        QVERIFY(writeFileAtomic(layers[4].toStdString(), changed));
        QVERIFY(writeFileAtomic(layers[5].toStdString(), entry));                      // another layer's
        QVERIFY(writeFileAtomic(layers[6].toStdString(), entry.substr(0, digit)));     // cut
        QVERIFY(writeFileAtomic(layers[7].toStdString(), "[\"" + entry.substr(0, 9))); // not even JSON
        const auto result = test::run(quickJob());
        QVERIFY(result && !(*result)["cached"].get<bool>());
        QVERIFY(bytesOf((*result)["sensitivity_file"].get<std::string>()) == m_undisturbed);
    }

    void aCacheThatCannotBeWrittenIsNoObstacle()
    {
        QVERIFY(QDir().mkpath(cache()));
        QVERIFY(writeFileAtomic(path("cache/shiftadd").toStdString(), "a file"));
        AnalyzeSpec spec = quickJob();
        spec.saveTo = path("no-cache.json").toStdString();
        std::vector<Json> events;
        QVERIFY(test::run(spec, &events));
        QVERIFY(bytesOf(spec.saveTo) == m_undisturbed);
        QVERIFY(Told(events).warnings.join(' ').contains("cannot be kept"));
    }

    void withoutMeasuringThereAreScoresForAllLayers()
    {
        AnalyzeSpec spec = quickJob();
        spec.measure = false;
        spec.saveTo = path("scores.json").toStdString();
        std::vector<Json> events;
        const Sensitivity all = analyzed(spec, &events);
        QCOMPARE(Told(events).events, kLinears);
        for (const auto& linear : all.linears) {
            QCOMPARE(linear.weightScore.provenance, Provenance::Estimated);
            QVERIFY(linear.weightScore.value > 0);
            QCOMPARE(linear.choice(2)->error.provenance, Provenance::Estimated);
            QCOMPARE(linear.choice(2)->damage.provenance, Provenance::Missing);
        }
    }

    void whatWasMeasuredIsThereWithoutMeasuring_data()
    {
        QTest::addColumn<int>("seed");
        QTest::addColumn<QString>("model");
        QTest::addColumn<bool>("withText");
        QTest::addColumn<int>("expected");
        const auto row = [](const char* name, int seed, const char* model, bool withText, Provenance expected) {
            QTest::addRow("%s", name) << seed << QString(model) << withText << static_cast<int>(expected);
        };
        row("with the same settings it is measured", 0, "tiny", true, Provenance::Measured);
        row("with other settings it is stale", 1, "tiny", true, Provenance::Stale);
        row("without the calibration text it is stale", 0, "tiny", false, Provenance::Stale);
        row("of other weights nothing is known", 0, "other", true, Provenance::Estimated);
    }
    void whatWasMeasuredIsThereWithoutMeasuring()
    {
        QFETCH(int, seed);
        QFETCH(QString, model);
        QFETCH(bool, withText);
        QFETCH(int, expected);
        QVERIFY(test::run(quickJob()));
        if (!QFile::exists(path("other"))) {
            QVERIFY(QDir().mkpath(path("other")));
            QVERIFY(test::writeTinyModel(path("other").toStdString(), {.blocks = kBlocks}));
            QVERIFY(patchTensor(path("other/model.safetensors"), "model.layers.0.mlp.up_proj.weight", {0.123f}));
        }
        const QStringList kept = cachedLayers();

        AnalyzeSpec spec = quickJob(model);
        spec.measure = false;
        spec.seed = static_cast<std::uint64_t>(seed);
        spec.saveTo = path("recalled.json").toStdString();
        if (!withText)
            spec.calibration = {path("gone.txt").toStdString()};
        std::vector<Json> events;
        const Sensitivity recalled = analyzed(spec, &events);
        const auto provenance = static_cast<Provenance>(expected);
        for (const auto& linear : recalled.linears)
            for (const int bits : spec.bits)
                QCOMPARE(linear.choice(bits)->error.provenance, provenance);
        QVERIFY(!Told(events).phases.contains("measure"));
        QVERIFY(Told(events).warnings.isEmpty());
        QCOMPARE(cachedLayers(), kept);
        if (provenance == Provenance::Measured)
            QVERIFY(bytesOf(spec.saveTo) == m_undisturbed);
        if (provenance == Provenance::Stale) {
            const auto before = readSensitivity(path("undisturbed.json").toStdString());
            QVERIFY(before);
            for (const auto& linear : recalled.linears)
                QCOMPARE(linear.choice(2)->damage.value, before->find(linear.name)->choice(2)->damage.value);
            QCOMPARE(recalled.forwardPasses, before->forwardPasses);
        }
    }

    void whatACancelledAnalysisMeasuredIsThereToo()
    {
        CancelToken cancel;
        std::set<std::string> measured;
        const auto stopped = runJob(
            quickJob(),
            [&](const Json& event) {
                if (event.contains("sensitivity") && !event["sensitivity"]["criterion"].is_null() &&
                    measured.insert(event["sensitivity"]["name"].get<std::string>()).second && measured.size() == 5)
                    cancel.cancel();
            },
            cancel);
        QVERIFY(!stopped);
        AnalyzeSpec spec = quickJob();
        spec.measure = false;
        spec.saveTo = path("recalled.json").toStdString();
        const Sensitivity recalled = analyzed(spec);
        for (const auto& linear : recalled.linears)
            QCOMPARE(linear.choice(2)->error.provenance,
                     measured.contains(linear.name) ? Provenance::Measured : Provenance::Estimated);
    }

    void scaledDamagesSayThatTheyAreEstimates()
    {
        const Sensitivity each = analyzed(quickJob());
        AnalyzeSpec spec = quickJob();
        spec.downstream = "scaled";
        const Sensitivity scaled = analyzed(spec);
        QCOMPARE(scaled.forwardPasses, std::int64_t{2 + kLinears});
        for (const auto& linear : scaled.linears) {
            QCOMPARE(linear.choice(2)->damage.provenance, Provenance::Measured);
            QCOMPARE(linear.choice(2)->damage.value, each.find(linear.name)->choice(2)->damage.value);
            QCOMPARE(linear.choice(3)->damage.provenance, Provenance::Estimated);
            QVERIFY(linear.choice(3)->damage.value < linear.choice(2)->damage.value);
        }
    }

    void weightsThatAreNoNumbersAreRefusedByName()
    {
        QVERIFY(QDir().mkpath(path("nan")));
        QVERIFY(test::writeTinyModel(path("nan").toStdString(), {.blocks = kBlocks}));
        QVERIFY(patchTensor(path("nan/model.safetensors"), "model.layers.1.self_attn.v_proj.weight",
                            {std::numeric_limits<float>::quiet_NaN()}));
        const auto result = test::run(quickJob("nan"));
        QVERIFY(!result);
        QCOMPARE(result.error().code, Errc::BadFormat);
        QCOMPARE(result.error().where, std::string("model.layers.1.self_attn.v_proj.weight"));
    }

    void aLayerThatCannotBeMeasuredDoesNotEndTheJob()
    {
        // The second block's inputs are finite, but their squares are not.
        QVERIFY(QDir().mkpath(path("huge")));
        QVERIFY(test::writeTinyModel(path("huge").toStdString(), {.blocks = kBlocks}));
        QVERIFY(patchTensor(path("huge/model.safetensors"), "model.layers.1.input_layernorm.weight",
                            std::vector<float>(64, 1e30f)));
        AnalyzeSpec spec = quickJob("huge");
        std::vector<Json> events;
        const Sensitivity all = analyzed(spec, &events);
        const LinearSensitivity* broken = all.find("model.layers.1.self_attn.q_proj");
        QCOMPARE(broken->choice(2)->error.provenance, Provenance::Failed);
        QCOMPARE(broken->choice(2)->damage.provenance, Provenance::Failed);
        QVERIFY(!broken->problem.empty());
        QVERIFY(Told(events).warnings.join(' ').contains("model.layers.1.self_attn.q_proj"));
        QCOMPARE(all.find("model.layers.0.self_attn.q_proj")->choice(2)->error.provenance, Provenance::Measured);
        const auto again = test::run(spec);
        QVERIFY(again && (*again)["cached"].get<bool>());
    }

    void aModelInWhichNothingChangedDivergesByNothing()
    {
        const auto model = ModelFolder::open(path("tiny").toStdString());
        QVERIFY(model);
        const EventSink sink = [](const Json&) {};
        const CancelToken cancel;
        const JobContext context{sink, cancel};
        auto spill = PlaneSpill::create(m_folder.path().toStdString());
        QVERIFY(spill);
        DownstreamMeter meter(*model, at::Device(at::kCPU), context);
        QVERIFY(meter.prepare({{1, 2, 3, 4, 5, 6, 7, 8}, {9, 8, 7, 6, 5, 4, 3, 2}}));
        QCOMPARE(meter.tokens(), 16);
        int measured = 0;
        const auto onDone = [&](const DownstreamMeter::Variant&, double divergence) -> Result<void> {
            ++measured;
            return divergence == 0.0 ? Result<void>() : Result<void>(makeError(Errc::Internal, "not nothing"));
        };
        for (int round = 0; round < 2; ++round)
            QVERIFY(meter.measure({{0, kKeptBits}, {8, kKeptBits}, {kLinears - 1, kKeptBits}}, *spill, onDone,
                                  [](double) {}));
        QCOMPARE(measured, 6);
    }

    void rankCorrelationCountsTies()
    {
        QCOMPARE(*kendallTau({1, 2, 3, 4}, {10, 20, 30, 40}), 1.0);
        QCOMPARE(*kendallTau({1, 2, 3, 4}, {4, 3, 2, 1}), -1.0);
        QCOMPARE(*kendallTau({1, 2, 3}, {1, 3, 2}), 1.0 / 3.0);
        QVERIFY(std::abs(*kendallTau({1, 1, 2}, {1, 2, 3}) - 2.0 / std::sqrt(6.0)) < 1e-12);
        QVERIFY(!kendallTau({1, 1}, {1, 2}));
        QVERIFY(!kendallTau({1}, {1}));
    }
};

QTEST_GUILESS_MAIN(TestAnalyzeJob)
#include "tst_analyze_job.moc"
