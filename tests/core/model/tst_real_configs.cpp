// SPDX-License-Identifier: GPL-3.0-or-later
// Published configurations become the right table. The files stay outside this repository: their own terms.
#include "core/model/model_folder.h"

#include <QDir>
#include <QTest>

#include <algorithm>

using namespace sa;

namespace
{

const QString kConfigs = SA_SHARED_DIR "/data/configs";

struct Row {
    const char* name;
    const char* family;
    int hidden, intermediate, layers, heads, kvHeads, headDim, vocab;
    qint64 positions;
    bool tied;
    RopeConfig::Scaling scaling;
    double theta;
};

using S = RopeConfig::Scaling;
constexpr Row kRows[] = {
    {"bloom-3b", "bloom", 2560, 10240, 30, 32, 32, 80, 250880, 2048, true, S::None, 1e4},
    {"codegemma-7b-it", "gemma", 3072, 24576, 28, 16, 16, 256, 256000, 8192, true, S::None, 1e4},
    {"gemma-2b-cut", "gemma", 2048, 16384, 14, 8, 1, 256, 151936, 8192, true, S::None, 1e4},
    {"gemma-3-1b-it", "gemma", 1152, 6912, 26, 4, 1, 256, 262144, 32768, true, S::None, 1e6},
    {"llama-2-70b", "llama", 8192, 28672, 80, 64, 8, 128, 32000, 4096, false, S::None, 1e4},
    {"llama-2-7b", "llama", 4096, 11008, 32, 32, 32, 128, 32000, 4096, false, S::None, 1e4},
    {"llama-2-7b-chat", "llama", 4096, 11008, 32, 32, 32, 128, 32000, 4096, false, S::None, 1e4},
    {"llama-2-7b-original", "llama", 4096, 11008, 32, 32, 32, 128, 32000, 2048, false, S::None, 1e4},
    {"llama-3-8b", "llama", 4096, 14336, 32, 32, 8, 128, 128256, 8192, false, S::None, 5e5},
    {"llama-3.1-8b", "llama", 4096, 14336, 32, 32, 8, 128, 128256, 131072, false, S::Llama3, 5e5},
    {"llama-3.2-1b-instruct", "llama", 2048, 8192, 16, 32, 8, 64, 128256, 131072, true, S::Llama3, 5e5},
    {"llama-3.2-3b-instruct", "llama", 3072, 8192, 28, 24, 8, 128, 128256, 131072, true, S::Llama3, 5e5},
    {"mistral-7b-instruct-v0.2", "mistral", 4096, 14336, 32, 32, 8, 128, 32000, 512, false, S::None, 1e6},
    {"mistral-7b-sft", "llama", 4096, 14336, 32, 32, 8, 128, 32000, 4096, false, S::None, 1e4},
    {"opt-1.3b", "opt", 2048, 8192, 24, 32, 32, 64, 50272, 2048, true, S::None, 1e4},
    {"opt-13b", "opt", 5120, 20480, 40, 40, 40, 128, 50272, 2048, true, S::None, 1e4},
    {"opt-175b", "opt", 12288, 49152, 96, 96, 96, 128, 50272, 2048, true, S::None, 1e4},
    {"opt-6.7b", "opt", 4096, 16384, 32, 32, 32, 128, 50272, 2048, true, S::None, 1e4},
    {"vicuna-7b-v1.3", "llama", 4096, 11008, 32, 32, 32, 128, 32000, 2048, false, S::None, 1e4},
};

Result<ModelConfig> parseFolder(const QString& name)
{
    const std::string path = (kConfigs + u'/' + name).toStdString();
    SA_TRY(const Json config, readConfig(path));
    return ModelConfig::parse(JsonField(config, path + "/config.json"));
}

} // namespace

class TestRealConfigs : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void initTestCase()
    {
        if (!QDir(kConfigs).exists())
            QSKIP("the shared configurations are not here");
    }

    void everyOneIsInTheTable()
    {
        const auto folders = QDir(kConfigs).entryList(QDir::Dirs | QDir::NoDotAndDotDot);
        for (const auto& folder : folders) {
            if (!QFile::exists(kConfigs + u'/' + folder + "/config.json")) {
                const auto config = parseFolder(folder);
                QVERIFY(!config);
                QCOMPARE(config.error().code, Errc::NotFound);
                continue;
            }
            QVERIFY2(std::any_of(std::begin(kRows), std::end(kRows), [&](const Row& r) { return folder == r.name; }),
                     qPrintable(folder));
        }
    }

    void becomeTheRightTable_data()
    {
        QTest::addColumn<int>("index");
        for (int i = 0; i < static_cast<int>(std::size(kRows)); ++i)
            QTest::addRow("%s", kRows[i].name) << i;
    }
    void becomeTheRightTable()
    {
        QFETCH(int, index);
        const Row& row = kRows[index];
        if (!QDir(kConfigs + u'/' + row.name).exists())
            QSKIP("this configuration is not here");
        const auto c = parseFolder(row.name);
        QVERIFY2(c, c ? "" : c.error().sentence().c_str());
        QCOMPARE(c->family, std::string(row.family));
        QCOMPARE(c->hidden, row.hidden);
        QCOMPARE(c->intermediate, row.intermediate);
        QCOMPARE(c->layers, row.layers);
        QCOMPARE(c->heads, row.heads);
        QCOMPARE(c->kvHeads, row.kvHeads);
        QCOMPARE(c->headDim, row.headDim);
        QCOMPARE(c->vocab, row.vocab);
        QCOMPARE(c->positions, row.positions);
        QCOMPARE(c->tiedHead, row.tied);
        QCOMPARE(c->rope.scaling, row.scaling);
        QCOMPARE(c->rope.theta, row.theta);
        QVERIFY(c->warnings.empty());
    }

    void whatIsParticularIsKept()
    {
        const auto gemma3 = parseFolder("gemma-3-1b-it");
        QVERIFY(gemma3 && gemma3->localRope);
        QCOMPARE(gemma3->localRope->theta, 1e4);
        QCOMPARE(std::count(gemma3->windows.begin(), gemma3->windows.end(), 512), 22);
        QCOMPARE(gemma3->windowOf(5), 0);
        QCOMPARE(gemma3->attentionScale, 1.0 / 16.0);
        QVERIFY(gemma3->queryKeyNorm && gemma3->normPlacement == NormPlacement::Sandwich);

        const auto gemma = parseFolder("gemma-2b-cut");
        QVERIFY(gemma && gemma->activation == Activation::GeluTanh && gemma->norm == NormKind::RmsPlusOne);
        const auto opt = parseFolder("opt-13b");
        QVERIFY(opt && opt->finalNorm && opt->queryBias && opt->mlpBias && !opt->gatedMlp);
        QCOMPARE(expectedTensors(*opt)[1].shape, (std::vector<std::int64_t>{2050, 5120}));
        const auto bloom = parseFolder("bloom-3b");
        QVERIFY(bloom && bloom->embeddingNorm && bloom->fusedAttention);
        QCOMPARE(linearLayersOfBlock(*bloom, 0)[0].N, 7680);
        const auto mistral = parseFolder("mistral-7b-instruct-v0.2");
        QVERIFY(mistral && mistral->windowOf(0) == 0); // sliding_window: null
        const auto llama = parseFolder("llama-3.2-1b-instruct");
        QVERIFY(llama);
        QCOMPARE(llama->rope.factor, 32.0);
        QCOMPARE(llama->eosIds, (std::vector<std::int32_t>{128001, 128008, 128009}));
    }
};

QTEST_APPLESS_MAIN(TestRealConfigs)
#include "tst_real_configs.moc"
