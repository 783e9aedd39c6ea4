// SPDX-License-Identifier: GPL-3.0-or-later
// Quantize jobs that follow a plan: bits layer by layer, some layers kept as they are.
#include "core/alloc/plan.h"
#include "core/base/file.h"
#include "core/base/sha256.h"
#include "core/model/model_folder.h"
#include "job_runner.h"
#include "tests/support/folder_digests.h"
#include "tests/support/tiny_model.h"

#include <QDir>
#include <QTemporaryDir>
#include <QTest>

using namespace sa;

namespace
{

constexpr int kBlocks = 3;
constexpr const char* kKept = "model.layers.1.mlp.up_proj";
constexpr const char* kAlsoKept = "model.layers.0.self_attn.o_proj"; // alone on its input

std::vector<std::byte> tensorBytes(const ModelFolder& model, const std::string& name)
{
    const auto info = model.store.find(name);
    std::vector<std::byte> bytes(info ? (*info)->sizeBytes : 0);
    if (!info || !model.store.read(name, bytes))
        return {};
    return bytes;
}

} // namespace

class TestPlanJob : public QObject
{
    Q_OBJECT
    QTemporaryDir m_folder;
    Plan m_plan;

    QString path(const QString& name) const { return m_folder.filePath(name); }
    std::string file(const QString& name) const { return path(name).toStdString(); }

    /// Two bits, but three for the values, one for a gate, and two layers kept.
    Plan mixedPlan() const
    {
        const auto model = ModelFolder::open(file("tiny"));
        Plan plan;
        for (const auto& layer : linearLayers(model->config))
            plan.bits[layer.name] = layer.projection == "v_proj" ? 3 : 2;
        plan.bits["model.layers.2.mlp.gate_proj"] = 1;
        plan.bits[kKept] = plan.bits[kAlsoKept] = kKeptBits;
        plan.model.architecture = model->config.architecture;
        plan.model.weightsSha256["model.safetensors"] = *sha256OfFile(file("tiny/model.safetensors"));
        return plan;
    }
    QuantizeSpec quickJob(const QString& out, const Plan& plan)
    {
        QuantizeSpec spec;
        spec.model = file("tiny");
        spec.out = file(out);
        spec.plan = file(out + ".plan.json");
        spec.calibration = {file("text.txt")};
        spec.samples = 3;
        spec.seqlen = 64;
        spec.rounds = 2;
        if (!writePlan(spec.plan, plan))
            qFatal("no plan");
        return spec;
    }

private Q_SLOTS:
    void initTestCase()
    {
        qunsetenv("SHIFTADD_CACHE"); // which goes before
        qputenv("XDG_CACHE_HOME", path("cache").toUtf8());
        QVERIFY(QDir().mkpath(path("tiny")));
        QVERIFY(test::writeTinyModel(file("tiny"), {.blocks = kBlocks}));
        QVERIFY(test::writeShortText(file("text.txt")));
        m_plan = mixedPlan();
    }

    void everyLayerGetsItsBits_data()
    {
        QTest::addColumn<QByteArray>("mode");
        QTest::addRow("lat") << QByteArray("lat");
        QTest::addRow("acc") << QByteArray("acc");
    }
    void everyLayerGetsItsBits()
    {
        QFETCH(QByteArray, mode);
        QuantizeSpec spec = quickJob("mixed-" + mode, m_plan);
        spec.mode = mode.toStdString();
        std::vector<Json> events;
        const auto result = test::run(spec, &events);
        QVERIFY2(result, result ? "" : result.error().sentence().c_str());
        const auto original = ModelFolder::open(spec.model);
        const auto packed = ModelFolder::open(spec.out);
        QVERIFY(original && packed);
        QCOMPARE(packed->quantization->bits, 0);
        QVERIFY(packed->quantization->plan == toJson(m_plan));
        QCOMPARE((*result)["layers"].size(), m_plan.bits.size());
        for (const auto& [layer, bits] : m_plan.bits) {
            const PackedLayerInfo* info = packed->packedLayer(layer);
            if (bits != kKeptBits) {
                QVERIFY(info);
                QCOMPARE(info->q, bits);
                continue;
            }
            QVERIFY(!info);
            const auto bytes = tensorBytes(*original, layer + ".weight");
            QVERIFY(!bytes.empty() && bytes == tensorBytes(*packed, layer + ".weight"));
        }
        const auto verified = test::run(VerifySpec{spec.out});
        QVERIFY2(verified, verified ? "" : verified.error().sentence().c_str());
        const auto opened = test::run(OpenSpec{spec.out});
        QVERIFY(opened);
        for (const auto& layer : (*opened)["layers"])
            if (layer["name"] == kKept)
                QCOMPARE(layer["bits"].get<double>(), 32.0); // the original is float32

        const std::string dense = spec.out + "-dense";
        QVERIFY(test::run(ExportSpec{spec.out, dense}));
        EvaluateSpec evaluate;
        evaluate.text = spec.calibration.front();
        evaluate.seqlen = 64;
        evaluate.maxWindows = 4;
        const auto perplexity = [&](const std::string& model) {
            evaluate.model = model;
            const auto scored = test::run(evaluate);
            return scored ? (*scored)["perplexity"].get<double>() : NAN;
        };
        const double direct = perplexity(spec.out), exported = perplexity(dense);
        QVERIFY2(std::abs(direct / exported - 1) < 1e-3, qPrintable(QString("%1 and %2").arg(direct).arg(exported)));
    }

    void aUniformPlanIsTheUniformJob()
    {
        Plan plan = m_plan;
        for (auto& [layer, bits] : plan.bits)
            bits = 2;
        QuantizeSpec spec = quickJob("as-plan", plan);
        QVERIFY(test::run(spec));
        spec.plan.clear();
        spec.bits = 2;
        spec.out = file("as-bits");
        QVERIFY(test::run(spec));
        auto asPlan = test::digestsOf(path("as-plan")), asBits = test::digestsOf(path("as-bits"));
        QVERIFY(asPlan.at("config.json") != asBits.at("config.json")); // one of them names the plan
        asPlan.erase("config.json");
        asBits.erase("config.json");
        QVERIFY(asPlan == asBits);
    }

    void anUnfinishedJobIsContinuedByItsOwnPlanOnly()
    {
        QVERIFY(test::run(quickJob("whole", m_plan)));
        QuantizeSpec spec = quickJob("stopped", m_plan);
        CancelToken cancel;
        int seen = 0;
        QVERIFY(!runJob(
            spec,
            [&](const Json& event) {
                if (event.contains("layer") && ++seen == test::kTinyLayersPerBlock + 2)
                    cancel.cancel();
            },
            cancel));
        spec.resume = true;
        Plan other = m_plan;
        other.bits["model.layers.2.mlp.gate_proj"] = 4;
        QuantizeSpec changed = spec;
        changed.plan = file("other.plan.json");
        QVERIFY(writePlan(changed.plan, other));
        const auto refused = test::run(changed);
        QVERIFY(!refused);
        QVERIFY2(refused.error().message.find("plan.layers.model.layers.2.mlp.gate_proj (found 4, expected 1)") !=
                     std::string::npos,
                 refused.error().message.c_str());
        std::vector<Json> events;
        const auto result = test::run(spec, &events);
        QVERIFY2(result, result ? "" : result.error().sentence().c_str());
        QCOMPARE((*result)["layers"].size(), m_plan.bits.size());
        QVERIFY(test::digestsOf(path("stopped")) == test::digestsOf(path("whole")));
    }

    void plansThatDoNotFitAreRefusedByName_data()
    {
        QTest::addColumn<QByteArray>("change");
        QTest::addColumn<QByteArray>("where");
        const auto row = [](const char* name, const char* change, const char* where) {
            QTest::addRow("%s", name) << QByteArray(change) << QByteArray(where);
        };
        row("other weights", "weights", "model.weights_sha256.model.safetensors");
        row("another architecture", "architecture", "model.architecture");
        row("a layer is missing", "missing", kKept);
        row("a layer is not the model's", "surplus", "layers.model.layers.9.mlp.up_proj");
        row("nothing to quantize", "kept", "");
    }
    void plansThatDoNotFitAreRefusedByName()
    {
        QFETCH(QByteArray, change);
        QFETCH(QByteArray, where);
        Plan plan = m_plan;
        if (change == "weights")
            plan.model.weightsSha256["model.safetensors"] = std::string(64, 'a');
        if (change == "architecture")
            plan.model.architecture = "OPTForCausalLM";
        if (change == "missing")
            plan.bits.erase(kKept);
        if (change == "surplus")
            plan.bits["model.layers.9.mlp.up_proj"] = 2;
        if (change == "kept")
            for (auto& [layer, bits] : plan.bits)
                bits = kKeptBits;
        const QuantizeSpec spec = quickJob("refused", plan);
        const auto refused = test::run(spec);
        QVERIFY(!refused);
        QCOMPARE(refused.error().code, Errc::BadInput);
        QCOMPARE(refused.error().file, spec.plan);
        QVERIFY2(QString::fromStdString(refused.error().where).endsWith(where), refused.error().where.c_str());
        QVERIFY(!exists(spec.out));
    }

    void aPluginTakesNoPlan()
    {
        QuantizeSpec spec = quickJob("plugin", m_plan);
        spec.method = "rtn";
        const auto refused = test::run(spec);
        QVERIFY(!refused);
        QCOMPARE(refused.error().code, Errc::Usage);
        QCOMPARE(refused.error().where, std::string("plan"));
    }

    void theResultSaysHowGoodThePredictionWas()
    {
        AnalyzeSpec analyze;
        const QuantizeSpec spec = quickJob("predicted", m_plan);
        static_cast<QuantizerOptions&>(analyze) = spec;
        analyze.model = spec.model;
        analyze.downstream = "none";
        QVERIFY(test::run(analyze));
        const auto result = test::run(spec);
        QVERIFY2(result, result ? "" : result.error().sentence().c_str());
        const Json& prediction = (*result)["prediction"];
        QVERIFY(prediction["source"] == "plan");
        QCOMPARE(prediction["layers"].size(), m_plan.bits.size() - 2); // the kept ones have no error
        for (const auto& layer : prediction["layers"])
            QCOMPARE(layer["bits"].get<int>(), m_plan.bits.at(layer["name"].get<std::string>()));
        QVERIFY(prediction["kendall_tau"].get<double>() > 0.7);
    }
};

QTEST_GUILESS_MAIN(TestPlanJob)
#include "tst_plan_job.moc"
