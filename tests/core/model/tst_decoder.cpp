// SPDX-License-Identifier: GPL-3.0-or-later
// The decoder against the reference framework's golden figures.
#include "core/base/parallel.h"
#include "core/eval/text.h"
#include "core/model/tensors.h"
#include "core/runtime/generate.h"
#include "core/tokenizer/tokenizer.h"
#include "tests/support/text_perplexity.h"

#include <QTest>

#include <ATen/ATen.h>
#include <cmath>

using namespace sa;

namespace
{

const std::string kSample = SA_SOURCE_DIR "/resources/sample-model";

std::vector<std::int32_t> idsOf(const Json& list)
{
    return list.get<std::vector<std::int32_t>>();
}

struct Loaded {
    Json golden;
    Tokenizer tokenizer;
    Decoder decoder;
};

Result<Loaded> load(const std::string& folder, const std::string& goldenPath)
{
    SA_TRY(Json golden, json::parseFile(goldenPath));
    SA_TRY(Tokenizer tokenizer, Tokenizer::open(folder));
    SA_TRY(const ModelFolder model, ModelFolder::open(folder));
    SA_TRY(Decoder decoder, Decoder::load(model, at::kCPU, CancelToken()));
    return Loaded{std::move(golden), std::move(tokenizer), std::move(decoder)};
}

} // namespace

class TestDecoder : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void agreesWithTheReference_data()
    {
        QTest::addColumn<QString>("folder");
        QTest::addColumn<QString>("golden");
        QTest::addRow("the sample model")
            << QString::fromStdString(kSample) << SA_SOURCE_DIR "/tests/data/llama2-6m.golden.json";
        for (const char* name : {"opt-6m", "llama2-6m", "llama3-6m", "mistral-6m", "gemma-6m", "bloom-6m"}) {
            const QString folder = QString(SA_SHARED_DIR "/models/") + name;
            QTest::addRow("%s", name) << folder << folder + "/golden.json";
        }
    }
    void agreesWithTheReference()
    {
        QFETCH(QString, folder);
        QFETCH(QString, golden);
        if (!exists(golden.toStdString()))
            QSKIP("the shared models are not here");
        const auto model = load(folder.toStdString(), golden.toStdString());
        QVERIFY2(model, model ? "" : model.error().sentence().c_str());
        for (const auto& sample : model->golden["samples"]) {
            const auto ids = model->tokenizer.encode(sample["prompt"].get<std::string>());
            QCOMPARE(ids, idsOf(sample["ids"]));
            const at::Tensor logits = model->decoder.logits(model->decoder.hidden(ids)).slice(0, -1).squeeze(0);
            const auto first = sample["last_logits_first16"].get<std::vector<float>>();
            for (std::size_t i = 0; i < first.size(); ++i)
                QVERIFY(std::abs(logits[static_cast<std::int64_t>(i)].item<float>() - first[i]) < 1e-3);
            QCOMPARE(logits.argmax().item<std::int64_t>(), sample["last_logits_argmax"].get<std::int64_t>());
            QVERIFY(std::abs(logits.norm().item<double>() - sample["last_logits_l2"].get<double>()) < 1e-2);

            const auto expected = idsOf(sample["greedy_ids"]);
            SamplerOptions greedy;
            greedy.greedy = true;
            const auto generation = generate(model->decoder, ids, static_cast<int>(expected.size() - ids.size()),
                                             greedy, CancelToken(), [](auto) { return true; });
            QVERIFY(generation);
            auto all = ids;
            all.insert(all.end(), generation->ids.begin(), generation->ids.end());
            QCOMPARE(all, expected);
        }
    }

    void cachedStepsEqualOnePass()
    {
        const auto model = load(kSample, SA_SOURCE_DIR "/tests/data/llama2-6m.golden.json");
        QVERIFY(model);
        const auto ids = model->tokenizer.encode("The river was first mapped in 1823 by a party of surveyors .");
        const at::Tensor whole = model->decoder.hidden(ids);
        auto caches = model->decoder.makeCaches(static_cast<std::int64_t>(ids.size()));
        std::vector<at::Tensor> parts;
        for (std::size_t begin = 0, step = 1; begin < ids.size(); begin += step, ++step) {
            step = std::min(step, ids.size() - begin);
            parts.push_back(model->decoder.hidden(std::span(ids).subspan(begin, step), &caches));
        }
        QVERIFY((at::cat(parts) - whole).abs().max().item<double>() < 1e-3);
    }

    void aStepGivesTheSameBitsOnAnyThreads()
    {
        const auto model = load(kSample, SA_SOURCE_DIR "/tests/data/llama2-6m.golden.json");
        QVERIFY(model);
        const auto run = [&](int threads) {
            setThreads(threads);
            auto caches = model->decoder.makeCaches(24);
            at::Tensor logits;
            for (std::int32_t id = 40; id < 64; ++id)
                logits = model->decoder.logits(model->decoder.hidden(std::span(&id, 1), &caches));
            return logits;
        };
        const at::Tensor one = run(1), two = run(2), three = run(3);
        setThreads(0);
        QVERIFY(one.equal(two));
        QVERIFY(one.equal(three));
    }

    void samplingIsRepeatable()
    {
        const auto model = load(kSample, SA_SOURCE_DIR "/tests/data/llama2-6m.golden.json");
        QVERIFY(model);
        const auto prompt = model->tokenizer.encode("The");
        const auto run = [&](std::uint64_t seed) {
            SamplerOptions options;
            options.seed = seed;
            options.topP = 0.9;
            return generate(model->decoder, prompt, 24, options, CancelToken(), [](auto) { return true; })->ids;
        };
        QCOMPARE(run(1), run(1));
        QVERIFY(run(1) != run(2));
    }

    void perplexityOfTheBundledTextDoesNotDependOnThreads()
    {
        const auto model = load(kSample, SA_SOURCE_DIR "/tests/data/llama2-6m.golden.json");
        QVERIFY(model);
        const auto text = readText(SA_SOURCE_DIR "/resources/sample-text/evaluation.raw.txt");
        QVERIFY(text);
        const auto ids = model->tokenizer.encode(joinRawLines(*text));
        const auto run = [&](int threads) {
            setThreads(threads);
            return test::perplexity(model->decoder, ids, 256, 6)->perplexity;
        };
        const double one = run(1), two = run(2), three = run(3);
        setThreads(0);
        QCOMPARE(one, two); // bit for bit
        QCOMPARE(one, three);
        QVERIFY(one > 20 && one < 120);
    }

    void wikitextPerplexityIsTheReferences()
    {
        const std::string text = SA_SHARED_DIR "/data/wikitext2/wiki.test.raw";
        if (!exists(text))
            QSKIP("the shared data are not here");
        const auto model = load(kSample, SA_SOURCE_DIR "/tests/data/llama2-6m.golden.json");
        QVERIFY(model);
        const auto raw = readText(text);
        QVERIFY(raw);
        const auto ids = model->tokenizer.encode(joinRawLines(*raw));
        const Json& golden = model->golden["wikitext2_test"];
        QCOMPARE(static_cast<std::int64_t>(ids.size()), golden["tokens"].get<std::int64_t>());
        const auto result = test::perplexity(model->decoder, ids, golden["seqlen"].get<int>(), std::nullopt);
        QVERIFY(result);
        QCOMPARE(result->windows, golden["windows"].get<std::int64_t>());
        const double expected = golden["perplexity_fp32"].get<double>();
        QVERIFY2(std::abs(result->perplexity / expected - 1.0) < 2e-4,
                 qPrintable(QString::number(result->perplexity, 'f', 6)));
    }

    void idsBeyondTheVocabularyAreRefused()
    {
        const auto model = load(kSample, SA_SOURCE_DIR "/tests/data/llama2-6m.golden.json");
        QVERIFY(model);
        const auto generation = generate(model->decoder, {1, 4096}, 1, {}, CancelToken(), [](auto) { return true; });
        QVERIFY(!generation);
        QCOMPARE(generation.error().code, Errc::BadFormat);
        QVERIFY(!generate(model->decoder, {}, 1, {}, CancelToken(), [](auto) { return true; }));
    }
};

QTEST_APPLESS_MAIN(TestDecoder)
#include "tst_decoder.moc"
