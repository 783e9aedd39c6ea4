// SPDX-License-Identifier: GPL-3.0-or-later
// Every family and every variant of its configuration against the reference framework: tiny random models whose logits
// were computed by tests/data/families/make_families.py, and the shared real ones.
#include "core/eval/text.h"
#include "core/model/families.h"
#include "core/runtime/generate.h"
#include "core/tokenizer/tokenizer.h"
#include "tests/support/text_perplexity.h"

#include <QDir>
#include <QTest>

#include <ATen/ATen.h>

using namespace sa;

namespace
{

const std::string kFolder = SA_SOURCE_DIR "/tests/data/families/";

Result<Decoder> loadDecoder(const std::string& folder)
{
    SA_TRY(const ModelFolder model, ModelFolder::open(folder));
    return Decoder::load(model, at::kCPU, CancelToken());
}

} // namespace

class TestFamilies : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void computesWhatTheReferenceDoes_data()
    {
        QTest::addColumn<QString>("variant");
        const auto variants =
            QDir(QString::fromStdString(kFolder)).entryList(QDir::Dirs | QDir::NoDotAndDotDot, QDir::Name);
        QVERIFY(variants.size() >= 19);
        for (const auto& variant : variants)
            QTest::addRow("%s", qPrintable(variant)) << variant;
    }
    void computesWhatTheReferenceDoes()
    {
        QFETCH(QString, variant);
        const std::string folder = kFolder + variant.toStdString();
        const auto golden = json::parseFile(folder + "/golden.json");
        QVERIFY(golden);
        const auto decoder = loadDecoder(folder);
        QVERIFY2(decoder, decoder ? "" : decoder.error().sentence().c_str());
        const auto ids = (*golden)["ids"].get<std::vector<std::int32_t>>();

        const at::Tensor logits = decoder->logits(decoder->hidden(ids));
        const auto norms = (*golden)["logit_norms"].get<std::vector<float>>();
        QCOMPARE(static_cast<std::size_t>(logits.size(0)), norms.size());
        const at::Tensor normsHere = logits.norm(2, 1);
        for (std::size_t t = 0; t < norms.size(); ++t)
            QVERIFY2(std::abs(normsHere[static_cast<std::int64_t>(t)].item<float>() - norms[t]) <
                         1e-3f * (1 + norms[t]),
                     qPrintable(QString("position %1").arg(t)));
        const at::Tensor last = at::tensor((*golden)["last_logits"].get<std::vector<float>>());
        QVERIFY((logits[-1] - last).abs().max().item<float>() < 1e-3f);
    }

    void cachedStepsContinueAsTheReferenceDoes_data() { computesWhatTheReferenceDoes_data(); }
    void cachedStepsContinueAsTheReferenceDoes()
    {
        QFETCH(QString, variant);
        if (variant == "llama-dynamic")
            QSKIP(
                "its rotation depends on the text's length, so keys from the cache differ from a pass over the whole");
        const std::string folder = kFolder + variant.toStdString();
        const auto golden = json::parseFile(folder + "/golden.json");
        const auto decoder = loadDecoder(folder);
        QVERIFY(golden && decoder);
        auto prompt = (*golden)["ids"].get<std::vector<std::int32_t>>();
        prompt.resize((*golden)["greedy_prompt"].get<std::size_t>());
        const auto expected = (*golden)["greedy"].get<std::vector<std::int32_t>>();
        auto caches = decoder->makeCaches(static_cast<std::int64_t>(prompt.size() + expected.size()));
        std::vector<std::int32_t> greedy;
        at::Tensor state = decoder->hidden(prompt, &caches);
        while (greedy.size() < expected.size()) {
            greedy.push_back(
                static_cast<std::int32_t>(decoder->logits(state.slice(0, -1)).argmax().item<std::int64_t>()));
            state = decoder->hidden(std::span(&greedy.back(), 1), &caches);
        }
        QCOMPARE(greedy, expected);
    }

    /// The golden figure is that of the whole text, some two minutes a model: SA_FULL_EVALUATION=1 asks for it.
    /// Otherwise the first windows are compared with what the program computed when the whole text agreed with the
    /// golden figure.
    void sharedModelsHaveTheReferencesPerplexity_data()
    {
        QTest::addColumn<QString>("name");
        QTest::addColumn<double>("firstWindows");
        QTest::addRow("opt-6m") << QString("opt-6m") << 64.511131;
        QTest::addRow("llama3-6m") << QString("llama3-6m") << 49.794595;
        QTest::addRow("mistral-6m") << QString("mistral-6m") << 56.31335;
        QTest::addRow("gemma-6m") << QString("gemma-6m") << 51.247228;
        QTest::addRow("bloom-6m") << QString("bloom-6m") << 85.735502;
    }
    void sharedModelsHaveTheReferencesPerplexity()
    {
        constexpr int kFirstWindows = 48;
        QFETCH(QString, name);
        QFETCH(double, firstWindows);
        const std::string folder = SA_SHARED_DIR "/models/" + name.toStdString();
        const std::string text = SA_SHARED_DIR "/data/wikitext2/wiki.test.raw";
        if (!exists(folder) || !exists(text))
            QSKIP("the shared models are not here");
        const bool whole = qEnvironmentVariableIntValue("SA_FULL_EVALUATION") != 0;
        const auto golden = json::parseFile(folder + "/golden.json");
        const auto decoder = loadDecoder(folder);
        QVERIFY2(decoder, decoder ? "" : decoder.error().sentence().c_str());
        const auto tokenizer = Tokenizer::open(folder);
        QVERIFY(golden && tokenizer);
        const Json& expected = (*golden)["wikitext2_test"];
        const auto raw = readText(text);
        QVERIFY(raw);
        const auto ids = tokenizer->encode(joinRawLines(*raw));
        QCOMPARE(static_cast<std::int64_t>(ids.size()), expected["tokens"].get<std::int64_t>());
        const auto result = test::perplexity(*decoder, ids, expected["seqlen"].get<int>(),
                                             whole ? std::nullopt : std::optional(kFirstWindows));
        QVERIFY(result);
        const double wanted = whole ? expected["perplexity_fp32"].get<double>() : firstWindows;
        QVERIFY2(std::abs(result->perplexity / wanted - 1.0) < 2e-4,
                 qPrintable(QString::number(result->perplexity, 'f', 6)));
    }

    void tiedEmbeddingsMayBeStoredUnderTheHeadsName()
    {
        const std::string folder = SA_SHARED_DIR "/data/models/tinystories-656k";
        if (!exists(folder))
            QSKIP("the shared models are not here");
        const auto model = ModelFolder::open(folder);
        QVERIFY2(model, model ? "" : model.error().sentence().c_str());
        QCOMPARE(model->embeddingTensor(), std::string("lm_head.weight"));
        const auto decoder = Decoder::load(*model, at::kCPU, CancelToken());
        const auto tokenizer = Tokenizer::open(folder);
        QVERIFY(decoder && tokenizer);
        SamplerOptions greedy;
        greedy.greedy = true;
        const auto text = generate(*decoder, tokenizer->encode("Once upon a time"), 24, greedy, CancelToken(),
                                   [](auto) { return true; });
        QVERIFY(text);
        const QString words = QString::fromStdString(tokenizer->decode(text->ids));
        QVERIFY2(words.contains("a little girl named Lily"), qPrintable(words));
    }

    void slopesOfAnyNumberOfHeads()
    {
        QCOMPARE(alibiSlopes(1), (std::vector<float>{0x1p-8f}));
        QCOMPARE(alibiSlopes(4), (std::vector<float>{0x1p-2f, 0x1p-4f, 0x1p-6f, 0x1p-8f}));
        const auto six = alibiSlopes(6); // those of 4, then the first and third of 8
        QCOMPARE(six.size(), std::size_t{6});
        QCOMPARE(six[3], 0x1p-8f);
        QCOMPARE(six[4], 0x1p-1f);
        QCOMPARE(six[5], 0x1p-3f);
    }
};

QTEST_APPLESS_MAIN(TestFamilies)
#include "tst_families.moc"
