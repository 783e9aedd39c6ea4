// SPDX-License-Identifier: GPL-3.0-or-later
// The sweep against a direct transcription of algorithm 3.3 and 3.4 in float64, one column after another.
#include "core/base/parallel.h"
#include "core/quant/sweep.h"

#include <QTest>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <algorithm>
#include <cmath>

using namespace sa;

namespace
{

at::Tensor randomMatrix(std::int64_t rows, std::int64_t columns, std::uint64_t seed)
{
    auto generator = at::detail::createCPUGenerator(seed);
    return at::randn({rows, columns}, generator);
}

struct Problem {
    at::Tensor weight, inputs; ///< [N,K], [tokens,K]
    SweepFactor factor;
};

Problem makeProblem(std::int64_t N, std::int64_t K, std::uint64_t seed)
{
    Problem p;
    p.weight = randomMatrix(N, K, seed) * 0.05;
    p.inputs = at::mm(randomMatrix(200, K, seed + 1), randomMatrix(K, K, seed + 2)) * at::linspace(0.2, 2.0, K);
    HessianAccumulator hessian(K);
    hessian.add(p.inputs.slice(0, 0, 120));
    hessian.add(p.inputs.slice(0, 120));
    p.factor = *factorize(hessian.matrix(), 8, 0.01);
    return p;
}

LayerSweep::Outcome sweepAll(const Problem& p, const SweepOptions& options, int threads = 2)
{
    setParallelThreads(threads);
    LayerSweep sweep(p.weight, p.factor, options);
    const CancelToken cancel;
    parallelFor(sweep.pieces(), [&](std::int64_t i) { sweep.runPiece(i, cancel); });
    setParallelThreads(0);
    return sweep.finish();
}

at::Tensor denseOf(const LayerSweep::Outcome& outcome)
{
    at::Tensor dense = at::empty({outcome.packed.N, outcome.packed.K}, at::kFloat);
    if (outcome.packed.unpack(dense.data_ptr<float>()) != kernels::Status::Ok)
        qFatal("the planes cannot be unpacked");
    return dense;
}

/// Dense result of the specification, column by column, everything in float64 but the weights that the fit sees.
at::Tensor reference(const Problem& p, const SweepOptions& options)
{
    const std::int64_t N = p.weight.size(0);
    const std::int64_t R = options.rowsPerScale > 0 ? options.rowsPerScale : (N + 7) / 8;
    const at::Tensor order = p.factor.permutation;
    at::Tensor W = p.weight.to(at::kDouble).index_select(1, order).contiguous();
    const at::Tensor upper = p.factor.upper.to(at::kDouble);
    at::Tensor Q = at::zeros_like(W);
    std::int64_t j = 0;
    for (const auto& block : p.factor.order) {
        std::vector<BcqGrid> grids;
        for (std::int64_t r = 0; r < N; r += R) {
            const at::Tensor group =
                W.slice(0, r, std::min(N, r + R)).slice(1, j, j + block.count).to(at::kFloat).contiguous();
            const at::Tensor weights =
                p.factor.upper.diagonal().slice(0, j, j + block.count).pow(-2).expand_as(group).contiguous();
            const auto span = [](const at::Tensor& t) {
                return std::span<const float>(t.data_ptr<float>(), static_cast<std::size_t>(t.numel()));
            };
            BcqFitter fitter;
            grids.push_back(fitter.fit(span(group), span(weights), options.bcq));
        }
        for (std::int64_t c = 0; c < block.count; ++c, ++j) {
            const double diagonal = upper[j][j].item<double>();
            for (std::int64_t r = 0; r < N; ++r) {
                const BcqGrid& grid = grids[static_cast<std::size_t>(r / R)];
                const double w = W[r][j].item<double>();
                const double value = grid.levels[static_cast<std::size_t>(grid.nearest(static_cast<float>(w)))];
                Q[r][j] = value;
                W[r].slice(0, j + 1).sub_(upper[j].slice(0, j + 1) * ((w - value) / diagonal));
            }
        }
    }
    at::Tensor out = at::zeros_like(Q);
    out.index_copy_(1, order, Q);
    return out.to(at::kFloat);
}

double outputError(const Problem& p, const at::Tensor& dense)
{
    const at::Tensor miss = at::mm(p.inputs, (p.weight - dense).t());
    return miss.pow(2).sum().item<double>() / at::mm(p.inputs, p.weight.t()).pow(2).sum().item<double>();
}

} // namespace

class TestSweep : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void hessianAndFactorAreWhatTheyClaim()
    {
        const Problem p = makeProblem(4, 45, 3);
        HessianAccumulator hessian(45);
        hessian.add(p.inputs);
        const at::Tensor x = p.inputs.to(at::kDouble);
        const at::Tensor exact = at::mm(x.t(), x);
        QVERIFY((hessian.matrix() - exact).abs().max().item<double>() < 1e-5 * exact.abs().max().item<double>());

        const at::Tensor permuted = exact.index_select(0, p.factor.permutation).index_select(1, p.factor.permutation);
        const at::Tensor damped =
            permuted + at::eye(45, permuted.options()) * (0.01 * permuted.diagonal().mean().item<double>());
        const at::Tensor R = p.factor.upper.to(at::kDouble);
        QVERIFY((R - R.triu()).abs().max().item<double>() == 0.0);
        const at::Tensor unit = at::mm(at::mm(R.t(), R), damped);
        QVERIFY((unit - at::eye(45, at::kDouble)).abs().max().item<double>() < 1e-3);
    }

    void blocksGoByFallingEnergyAndStayTogether()
    {
        const Problem p = makeProblem(4, 45, 5);
        double previous = INFINITY;
        std::int64_t position = 0;
        const at::Tensor diagonal = p.inputs.pow(2).sum(0);
        for (const auto& block : p.factor.order) {
            QCOMPARE(block.begin % 8, 0);
            const double score = diagonal.slice(0, block.begin, block.begin + block.count).sum().item<double>();
            QVERIFY(score <= previous * (1 + 1e-5));
            previous = score;
            for (std::int64_t c = 0; c < block.count; ++c)
                QCOMPARE(p.factor.permutation[position++].item<std::int64_t>(), block.begin + c);
        }
        QCOMPARE(position, 45);
    }

    void followsTheSpecification_data()
    {
        QTest::addColumn<int>("N");
        QTest::addColumn<int>("K");
        QTest::addColumn<int>("planes");
        QTest::addColumn<int>("rowsPerScale");
        QTest::addRow("whole groups") << 32 << 64 << 2 << 0;
        QTest::addRow("wider than one lazy block") << 16 << 296 << 3 << 0;
        QTest::addRow("ragged rows and columns") << 21 << 45 << 2 << 0;
        QTest::addRow("one plane") << 24 << 40 << 1 << 8;
        QTest::addRow("four planes") << 24 << 40 << 4 << 5;
        QTest::addRow("one group") << 24 << 40 << 3 << 1000;
        QTest::addRow("a row each") << 9 << 24 << 2 << 1;
        QTest::addRow("fewer rows than groups") << 3 << 24 << 2 << 0;
        QTest::addRow("fewer columns than a block") << 16 << 5 << 2 << 0;
    }
    void followsTheSpecification()
    {
        QFETCH(int, N);
        QFETCH(int, K);
        QFETCH(int, planes);
        QFETCH(int, rowsPerScale);
        const Problem p = makeProblem(N, K, 11);
        SweepOptions options;
        options.bcq = {planes, 50, 3};
        options.rowsPerScale = rowsPerScale;
        options.refinements = 0;
        const auto outcome = sweepAll(p, options);
        const at::Tensor expected = reference(p, options);
        // Float32 against float64: a weight near a border may fall on the other side and move what follows a little.
        const double same = (denseOf(outcome) == expected).to(at::kDouble).mean().item<double>();
        QVERIFY2(same > 0.97, qPrintable(QString::number(same)));
        const double error = outputError(p, denseOf(outcome)), expectedError = outputError(p, expected);
        QVERIFY(std::abs(error - expectedError) < 0.02 * expectedError + 1e-6);
        QVERIFY(std::abs(outcome.relativeError - error) < 0.01 * error + 1e-6);
    }

    void refiningNeverHurtsAndHelpsInTheMean()
    {
        double swept = 0, refined = 0;
        for (const int seed : {41, 43, 47, 53}) {
            const Problem p = makeProblem(48, 150, static_cast<std::uint64_t>(seed));
            SweepOptions options;
            options.bcq.planes = 2;
            double previous = INFINITY;
            for (const int passes : {0, 1, 2, 4}) {
                options.refinements = passes;
                const auto outcome = sweepAll(p, options);
                QVERIFY(outcome.error <= previous * (1 + 1e-5));
                previous = outcome.error;
                if (passes == 0)
                    swept += outcome.error;
                if (passes == 4)
                    refined += outcome.error;
            }
        }
        QVERIFY2(refined < 0.95 * swept, qPrintable(QString("%1 %2").arg(refined).arg(swept)));
    }

    void planesStandForTheDenseResult()
    {
        const Problem p = makeProblem(21, 45, 17);
        for (int planes = 1; planes <= 4; ++planes) {
            SweepOptions options;
            options.bcq.planes = planes;
            const auto outcome = sweepAll(p, options);
            const auto view = outcome.packed.view();
            QVERIFY(kernels::check(view) == kernels::Status::Ok);
            QVERIFY(kernels::planesValid(view));
            at::Tensor unpacked = at::empty({21, 45});
            QVERIFY(kernels::unpackDense(view, unpacked.data_ptr<float>()) == kernels::Status::Ok);
            const double error = outputError(p, unpacked);
            QVERIFY(std::abs(outcome.relativeError - error) < 0.01 * error + 1e-6);
        }
    }

    void sweepingBeatsRoundingOnTheOutputs()
    {
        Problem p = makeProblem(64, 96, 23);
        SweepOptions options;
        options.bcq.planes = 2;
        options.refinements = 0;
        const double swept = outputError(p, denseOf(sweepAll(p, options)));
        p.factor.upper = at::eye(96); // no compensation: each block is fitted and rounded where it stands
        const double rounded = outputError(p, denseOf(sweepAll(p, options)));
        QVERIFY2(swept < 0.7 * rounded, qPrintable(QString("%1 %2").arg(swept).arg(rounded)));
    }

    void bytesDoNotDependOnThreads()
    {
        const Problem p = makeProblem(40, 168, 29);
        SweepOptions options;
        options.bcq.planes = 3;
        const auto one = sweepAll(p, options, 1), three = sweepAll(p, options, 3);
        QVERIFY(one.packed.bits == three.packed.bits);
        QVERIFY(one.packed.scales == three.packed.scales);
        QCOMPARE(one.error, three.error);
        QCOMPARE(one.relativeError, three.relativeError);
    }

    void deadInputsAndDegenerateHessiansAreSurvived()
    {
        Problem p = makeProblem(16, 32, 31);
        p.inputs.slice(1, 3, 6).zero_();
        HessianAccumulator hessian(32);
        hessian.add(p.inputs);
        auto factor = factorize(hessian.matrix(), 8, 0.01);
        QVERIFY(factor);
        QCOMPARE(factor->dead.size(), std::size_t{3});
        p.factor = *factor;
        QVERIFY(std::isfinite(sweepAll(p, {}).relativeError));

        auto nothing = factorize(at::zeros({32, 32}, at::kDouble), 8, 0.01); // every input dead
        QVERIFY(nothing);
        p.factor = *nothing;
        QCOMPARE(sweepAll(p, {}).relativeError, 0.0);

        at::Tensor broken = hessian.matrix();
        broken[2][2].fill_(std::nan(""));
        const auto refused = factorize(broken, 8, 0.01);
        QVERIFY(!refused);
        QCOMPARE(refused.error().code, Errc::BadInput);

        at::Tensor indefinite = at::eye(32, at::kDouble);
        indefinite[0][1].fill_(1e6);
        indefinite[1][0].fill_(1e6);
        const auto without = factorize(indefinite, 8, 0.01);
        QVERIFY(without);
        QVERIFY(without->dataFree);
    }

    void cancelledPiecesStopEarly()
    {
        const Problem p = makeProblem(16, 32, 37);
        LayerSweep sweep(p.weight, p.factor, {});
        CancelToken cancel;
        cancel.cancel();
        sweep.runPiece(0, cancel); // returns without work; the caller checks the token
        QVERIFY(!cancel.check());
    }

    void theCorrectedTargetPutsOutWhatTheOriginalDid()
    {
        at::manual_seed(7);
        const at::Tensor y = at::randn({4096, 24}); // the input in the original model
        const at::Tensor mix = at::eye(24) + 0.1 * at::randn({24, 24});
        const at::Tensor x = at::mm(y, mix) + 0.01 * at::randn({4096, 24}); // behind quantized layers
        const at::Tensor weight = at::randn({5, 24});
        HessianAccumulator hessian(24);
        CrossAccumulator cross(24);
        for (int part = 0; part < 4; ++part) {
            hessian.add(x.slice(0, part * 1024, (part + 1) * 1024));
            cross.add(y.slice(0, part * 1024, (part + 1) * 1024), x.slice(0, part * 1024, (part + 1) * 1024));
        }
        const at::Tensor correction = driftCorrection(cross.matrix(), hessian.matrix(), 1e-6);
        const at::Tensor target = weight + at::mm(weight, correction);
        const auto miss = [&](const at::Tensor& w) {
            return (at::mm(x, w.t()) - at::mm(y, weight.t())).norm().item<double>();
        };
        QVERIFY2(miss(target) < 0.05 * miss(weight), qPrintable(QString::number(miss(target) / miss(weight))));
        // The least-squares map, up to float32 sums: no small step away from it is better.
        for (int i = 0; i < 8; ++i)
            QVERIFY(miss(target + 0.01 * at::randn({5, 24})) > miss(target));
    }

    void withoutDriftThereIsNothingToCorrect()
    {
        at::manual_seed(8);
        const at::Tensor x = at::randn({512, 16});
        HessianAccumulator hessian(16);
        CrossAccumulator cross(16);
        hessian.add(x);
        cross.add(x, x);
        const at::Tensor correction = driftCorrection(cross.matrix(), hessian.matrix(), 0.1);
        QVERIFY(correction.abs().max().item<double>() < 1e-5);
        QVERIFY(!driftCorrection(cross.matrix(), at::zeros({16, 16}, at::kDouble), 0.0).defined());
    }
};

QTEST_APPLESS_MAIN(TestSweep)
#include "tst_sweep.moc"
