// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/eval/divergence.h"
#include "core/eval/statistics.h"

#include <ATen/ATen.h>
#include <QTest>

#include <cmath>

using namespace sa;

class TestStatistics : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void studentQuantilesAreThoseOfTheTables_data()
    {
        QTest::addColumn<double>("probability");
        QTest::addColumn<double>("degrees");
        QTest::addColumn<double>("expected");
        for (const auto& [p, n, t] : {std::tuple{0.975, 1.0, 12.7062},
                                      {0.975, 2.0, 4.30265},
                                      {0.975, 10.0, 2.22814},
                                      {0.975, 1e6, 1.95997},
                                      {0.95, 5.0, 2.01505},
                                      {0.025, 10.0, -2.22814},
                                      {0.5, 3.0, 0.0}})
            QTest::addRow("%g of %g", p, n) << p << n << t;
    }
    void studentQuantilesAreThoseOfTheTables()
    {
        QFETCH(double, probability);
        QFETCH(double, degrees);
        QFETCH(double, expected);
        QVERIFY(std::abs(studentQuantile(probability, degrees) - expected) < 2e-5 * (1 + std::abs(expected)));
    }

    void aMeanHasItsErrorAndInterval()
    {
        const std::vector<double> values{1, 2, 3, 4};
        const auto estimate = MeanEstimate::of(values);
        QCOMPARE(estimate.mean, 2.5);
        QVERIFY(std::abs(estimate.standardError - std::sqrt(5.0 / 3 / 4)) < 1e-12);
        QVERIFY(std::abs(estimate.halfWidth95() - 3.18245 * std::sqrt(5.0 / 12)) < 1e-4);
        const auto one = MeanEstimate::of(std::span(values).first(1));
        QVERIFY(one.mean == 1.0 && std::isnan(one.standardError) && std::isnan(one.halfWidth95()));
        QVERIFY(std::isnan(MeanEstimate::of({}).mean));
    }

    void quantilesInterpolate()
    {
        const std::vector<float> sorted{0, 10, 20, 40};
        QCOMPARE(quantileOfSorted(sorted, 0.0), 0.0);
        QCOMPARE(quantileOfSorted(sorted, 0.5), 15.0);
        QCOMPARE(quantileOfSorted(sorted, 1.0), 40.0);
        QVERIFY(std::abs(quantileOfSorted(sorted, 0.9) - 34.0) < 1e-9);
        QVERIFY(std::isnan(quantileOfSorted({}, 0.5)));
    }

    void divergenceOfSmallDistributionsIsThatOfTheFormula()
    {
        const at::Tensor p = at::tensor({0.5f, 0.25f, 0.25f, 1.0f / 3, 1.0f / 3, 1.0f / 3}).view({2, 3});
        const at::Tensor q = at::tensor({0.25f, 0.25f, 0.5f, 1.0f / 3, 1.0f / 3, 1.0f / 3}).view({2, 3});
        const at::Tensor d = rowDivergence(p.log(), q.log());
        // 1/2 ln 2 + 0 - 1/4 ln 2
        QVERIFY(std::abs(d[0].item<double>() - 0.25 * std::log(2.0)) < 1e-7);
        QCOMPARE(d[1].item<double>(), 0.0);
    }

    void smallDivergencesDoNotDrownInRounding()
    {
        // KL of nearly equal distributions is half the variance of the log ratio.
        at::manual_seed(1);
        const at::Tensor logP = at::log_softmax(3 * at::randn({1, 4096}), 1);
        const at::Tensor logQ = at::log_softmax(logP + 1e-3 * at::randn({1, 4096}), 1);
        const at::Tensor ratio = (logQ - logP).to(at::kDouble), weight = logP.to(at::kDouble).exp();
        const double mean = (weight * ratio).sum().item<double>();
        const double expected = 0.5 * (weight * (ratio - mean).square()).sum().item<double>();
        QVERIFY(std::abs(rowDivergence(logP, logQ)[0].item<double>() / expected - 1) < 0.01);
        QCOMPARE(rowDivergence(logP, logP)[0].item<double>(), 0.0);
    }

    void figuresOfAText()
    {
        // Two windows of three tokens: two scores each.
        const std::vector<TokenScore> scores{{2.0f, 1.0f, 0.5f, 0.95f, 1.0f},
                                             {1.0f, 1.0f, 0.0f, 1.0f, 1.0f},
                                             {3.0f, 2.0f, 2.0f, 0.05f, 0.0f},
                                             {2.0f, 2.0f, 0.1f, 0.3f, 1.0f}};
        const Interval perplexity = perplexityOf(scores, 3);
        QVERIFY(std::abs(perplexity.value - std::exp(2.0)) < 1e-9); // windows 1.5 and 2.5
        QVERIFY(std::abs(std::log(perplexity.high) - (2.0 + 12.7062 * 0.5)) < 1e-3);
        const Divergence d = divergenceOf(scores, 3);
        QCOMPARE(d.windows, 2);
        QCOMPARE(d.tokens, 4);
        QVERIFY(std::abs(d.mean.value - 0.65) < 1e-7);
        QVERIFY(std::abs(d.median - 0.3) < 1e-7);
        QCOMPARE(d.max, 2.0);
        QCOMPARE(d.agreement.value, 0.75);
        QVERIFY(std::abs(d.ratio.value - std::exp(0.5)) < 1e-9);
        QVERIFY(std::abs(d.ratio.low - d.ratio.high) < 1e-9); // both windows differ by the same
        QVERIFY(std::abs(d.referencePerplexity - std::exp(1.5)) < 1e-9);
        QVERIFY(std::abs(d.deltaMean - (std::exp(-2) - std::exp(-1) + std::exp(-3) - std::exp(-2)) / 4) < 1e-7);
        std::int64_t byConfidence = 0, byKl = 0;
        for (const auto& bucket : d.byConfidence)
            byConfidence += bucket.tokens;
        for (const auto& bucket : d.histogram)
            byKl += bucket.tokens;
        QCOMPARE(byConfidence, 4);
        QCOMPARE(byKl, 4);
        QCOMPARE(d.byConfidence.back().tokens, 2); // 1 belongs to the last
        QCOMPARE(d.byConfidence.front().mean, 2.0);
        QCOMPARE(d.byConfidence.front().agreement, 0.0);
    }

    void aBrokenModelHasNoFigures()
    {
        const float nan = TokenScore::kNone;
        const std::vector<TokenScore> scores{{nan, 1.0f, nan, 0.5f, 0.0f}, {1.0f, 1.0f, 0.1f, 0.5f, 1.0f}};
        const Divergence d = divergenceOf(scores, 3);
        QVERIFY(std::isnan(d.mean.value) && std::isnan(d.median) && std::isnan(d.max));
        QVERIFY(std::isnan(perplexityOf(scores, 3).value));
    }
};

QTEST_APPLESS_MAIN(TestStatistics)
#include "tst_statistics.moc"
