// SPDX-License-Identifier: GPL-3.0-or-later
// Given tokens and continuations, scored with what they share computed once, against one pass over everything.
#include "core/eval/likelihood.h"
#include "core/model/tensors.h"
#include "core/runtime/forced.h"
#include "core/runtime/generate.h"
#include "core/tokenizer/tokenizer.h"

#include <ATen/ATen.h>
#include <QTest>

#include <cmath>

using namespace sa;

namespace
{

const std::string kSample = SA_SOURCE_DIR "/resources/sample-model";

/// ln p of ids[from..] by one pass without a cache.
double directly(const Decoder& decoder, const std::vector<std::int32_t>& ids, std::size_t from)
{
    const at::Tensor logP = at::log_softmax(decoder.logits(decoder.hidden(ids)), 1);
    double sum = 0;
    for (std::size_t i = from; i < ids.size(); ++i)
        sum += logP[static_cast<std::int64_t>(i) - 1][ids[i]].item<double>();
    return sum;
}

} // namespace

class TestScoring : public QObject
{
    Q_OBJECT
    std::optional<Decoder> m_decoder;
    std::optional<Tokenizer> m_tokenizer;

private Q_SLOTS:
    void initTestCase()
    {
        setThreads(0);
        const auto folder = ModelFolder::open(kSample);
        QVERIFY(folder);
        auto decoder = Decoder::load(*folder, at::kCPU, {});
        auto tokenizer = Tokenizer::open(kSample);
        QVERIFY(decoder && tokenizer);
        m_decoder.emplace(*std::move(decoder));
        m_tokenizer.emplace(*std::move(tokenizer));
    }

    void continuationsAreSplitAsTheHarnessDoes()
    {
        const auto& config = m_decoder->config();
        const auto plain = encodeContinuation(*m_tokenizer, config, "The old lighthouse", " stands");
        QVERIFY(plain);
        QCOMPARE(plain->context, m_tokenizer->encode("The old lighthouse"));
        auto whole = plain->context;
        whole.insert(whole.end(), plain->ids.begin(), plain->ids.end());
        QCOMPARE(whole, m_tokenizer->encode("The old lighthouse stands"));
        // White space behind the context belongs to the continuation.
        const auto moved = encodeContinuation(*m_tokenizer, config, "The old lighthouse \n", " stands");
        QVERIFY(moved);
        QCOMPARE(moved->context, plain->context);
        const auto bare = encodeContinuation(*m_tokenizer, config, "", "stands");
        QVERIFY(bare);
        QCOMPARE(bare->context, m_tokenizer->encode("", true));
        const auto nothing = encodeContinuation(*m_tokenizer, config, "The", "");
        QVERIFY(!nothing);
        QCOMPARE(nothing.error().code, Errc::BadInput);
        // A text that begins with the first token's spelling has it already.
        const auto spelled = encodeContinuation(*m_tokenizer, config, "<s>The", " old");
        QVERIFY(spelled);
        QCOMPARE(std::count(spelled->context.begin(), spelled->context.end(), 1), std::ptrdiff_t{1});
    }

    void sharedPrefixesChangeNothing_data()
    {
        QTest::addColumn<QStringList>("continuations");
        QTest::addRow("different lengths") << QStringList{" a ship", " the whole of the northern sea", " it"};
        QTest::addRow("one token each") << QStringList{" A", " B", " C", " D"};
        QTest::addRow("one is the beginning of another") << QStringList{" in the", " in the sea", " in"};
        QTest::addRow("one alone") << QStringList{" the light went out"};
    }
    void sharedPrefixesChangeNothing()
    {
        QFETCH(QStringList, continuations);
        std::vector<Continuation> all;
        for (const QString& text : continuations) {
            const auto one =
                encodeContinuation(*m_tokenizer, m_decoder->config(), "From the tower they saw", text.toStdString());
            QVERIFY(one);
            all.push_back(*one);
        }
        const auto scores = likelihoods(*m_decoder, all);
        QCOMPARE(scores.size(), all.size());
        for (std::size_t i = 0; i < all.size(); ++i) {
            auto ids = all[i].context;
            ids.insert(ids.end(), all[i].ids.begin(), all[i].ids.end());
            QVERIFY(std::abs(scores[i].logLikelihood - directly(*m_decoder, ids, all[i].context.size())) < 1e-3);
        }
    }

    void longInputsLoseTheirLeftSide()
    {
        const auto positions = static_cast<std::size_t>(m_decoder->config().positions);
        Continuation longOne;
        for (std::size_t i = 0; i < positions + 20; ++i)
            longOne.context.push_back(static_cast<std::int32_t>(10 + i % 1000));
        longOne.ids = {300, 301};
        Continuation cut = longOne;
        cut.context.erase(cut.context.begin(), cut.context.end() - static_cast<std::ptrdiff_t>(positions - 1));
        const auto whole = likelihoods(*m_decoder, {longOne}), same = likelihoods(*m_decoder, {cut});
        QCOMPARE(whole[0].logLikelihood, same[0].logLikelihood);
    }

    void greedyContinuationsAreRecognised()
    {
        const auto prompt = m_tokenizer->encode("The game was released in");
        SamplerOptions greedy;
        greedy.greedy = true;
        const auto text = generate(*m_decoder, prompt, 6, greedy, {}, [](auto) { return true; });
        QVERIFY(text);
        Continuation same{prompt, text->ids}, other = same;
        other.ids.back() = other.ids.back() == 5 ? 6 : 5;
        const auto scores = likelihoods(*m_decoder, {same, other});
        QCOMPARE(scores[0].greedy, 1.0);
        QCOMPARE(scores[1].greedy, 0.0);
    }

    void givenTokensHaveTheirProbabilities()
    {
        const auto prompt = m_tokenizer->encode("The game");
        const auto text =
            m_tokenizer->encode("was released in the spring of the year by a company that made ships and "
                                "sold them to the people of the islands in the north, where they were used "
                                "for many years until the war began",
                                false);
        QVERIFY(text.size() > 34); // more than one block
        double sum = 0;
        std::size_t steps = 0;
        const auto scored = scoreForced(*m_decoder, prompt, text, 3, nullptr, {}, [&](const TokenStep& step) {
            QCOMPARE(step.id, text[steps++]);
            QCOMPARE(step.top.size(), std::size_t{3});
            QVERIFY(step.top[0].second >= step.top[1].second && step.top[0].second >= *step.logProbability);
            QVERIFY(!step.divergence);
            sum += *step.logProbability;
        });
        QVERIFY(scored);
        QCOMPARE(steps, text.size());
        auto ids = prompt;
        ids.insert(ids.end(), text.begin(), text.end());
        QVERIFY(std::abs(sum - directly(*m_decoder, ids, prompt.size())) < 1e-3);

        const auto reference = forcedReference(*m_decoder, prompt, text, {});
        QVERIFY(reference);
        QVERIFY(scoreForced(*m_decoder, prompt, text, 0, &*reference, {}, [&](const TokenStep& step) {
            QVERIFY(step.top.empty() && step.logProbability);
            QCOMPARE(*step.divergence, 0.0);
        }));
        QVERIFY(!scoreForced(*m_decoder, {}, text, 0, nullptr, {}, [](const TokenStep&) {}));
        QVERIFY(!scoreForced(*m_decoder, prompt, {99999}, 0, nullptr, {}, [](const TokenStep&) {}));
    }

    void halfPrecisionIsNearAndNotTheSame()
    {
        const auto folder = ModelFolder::open(kSample);
        auto rounded = Decoder::load(*folder, at::kCPU, {});
        QVERIFY(rounded);
        rounded->roundToHalf();
        const auto ids = m_tokenizer->encode("The old lighthouse stands on the northern shore");
        const double distance = (rounded->logits(rounded->hidden(ids)) - m_decoder->logits(m_decoder->hidden(ids)))
                                    .abs()
                                    .max()
                                    .item<double>();
        QVERIFY2(distance > 0 && distance < 0.1, qPrintable(QString::number(distance)));
    }
};

QTEST_APPLESS_MAIN(TestScoring)
#include "tst_scoring.moc"
