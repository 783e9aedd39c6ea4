// SPDX-License-Identifier: GPL-3.0-or-later
// The change of basis: it agrees with what runs later, and it changes no product.
#include "core/checkpoint/packed_weight.h"
#include "core/model/linear.h"
#include "core/quant/sweep.h"
#include "core/quant/transform.h"
#include "sa/kernels/lut_gemm.h"
#include "sa/kernels/rotation.h"

#include <QTest>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

using namespace sa;

namespace
{

at::Tensor randomMatrix(std::int64_t rows, std::int64_t columns, std::uint64_t seed)
{
    auto generator = at::detail::createCPUGenerator(seed);
    return at::randn({rows, columns}, generator);
}

double largestDifference(const at::Tensor& a, const at::Tensor& b)
{
    return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

InputTransform someTransform(std::int64_t K)
{
    InputTransform out;
    for (std::int64_t k = 0; k < K; ++k)
        out.exponents.push_back(static_cast<std::int8_t>(k % 7 - 3));
    out.rotation = 42;
    return out;
}

} // namespace

class TestTransform : public QObject
{
    Q_OBJECT
private Q_SLOTS:
    void rowsAreRotatedAsTheKernelDoes_data()
    {
        QTest::addColumn<int>("n");
        for (const int n : {1, 3, 4, 20, 64, 288, 704})
            QTest::addRow("%d channels", n) << n;
    }
    void rowsAreRotatedAsTheKernelDoes()
    {
        QFETCH(int, n);
        const at::Tensor x = randomMatrix(5, n, 1);
        at::Tensor expected = x.clone();
        std::vector<std::uint32_t> signs((static_cast<std::size_t>(n) + 31) / 32);
        kernels::rotationSigns(42, n, signs.data());
        QCOMPARE(kernels::rotate(signs.data(), n, expected.data_ptr<float>(), 5, n), kernels::Status::Ok);
        QVERIFY(largestDifference(rotateRows(x, 42), expected) < 1e-5);
        QVERIFY(largestDifference(rotateRows(x.to(at::kDouble), 42), expected) < 1e-5);
    }

    void errorsCostTheSameInTheNewBasis()
    {
        const std::int64_t N = 24, K = 80;
        const at::Tensor W = randomMatrix(N, K, 2).to(at::kDouble), x = randomMatrix(200, K, 3).to(at::kDouble);
        const at::Tensor H = at::mm(x.t(), x);
        const InputTransform transform = someTransform(K);
        const at::Tensor there = transform.ofWeight(W);
        const double before = at::mm(at::mm(W, H), W.t()).trace().item<double>();
        const double after = at::mm(at::mm(there, transform.ofSecondMoment(H)), there.t()).trace().item<double>();
        QVERIFY(std::abs(after / before - 1.0) < 1e-9);
    }

    void aTransformedLayerComputesWhatItUnpacksTo_data()
    {
        QTest::addColumn<int>("N");
        QTest::addColumn<int>("K");
        QTest::addColumn<int>("columnsPerScale");
        QTest::addColumn<int>("tokens");
        QTest::addRow("a scale a column, one token") << 48 << 72 << 1 << 1;
        QTest::addRow("a scale a column, many tokens") << 48 << 72 << 1 << 19;
        QTest::addRow("blocks of 8 columns, odd sizes") << 37 << 83 << 8 << 5;
        QTest::addRow("narrower than a window of four") << 3 << 8 << 8 << 2;
    }
    void aTransformedLayerComputesWhatItUnpacksTo()
    {
        QFETCH(int, N);
        QFETCH(int, K);
        QFETCH(int, columnsPerScale);
        QFETCH(int, tokens);
        const at::Tensor W = randomMatrix(N, K, 4), x = randomMatrix(300, K, 5);
        const InputTransform transform = someTransform(K);
        HessianAccumulator hessian(K);
        hessian.add(x);
        const auto factor = factorize(transform.ofSecondMoment(hessian.matrix()), columnsPerScale, 0.01);
        QVERIFY(factor);
        const at::Tensor there = rotateRows(transform.ofWeight(W).t().contiguous(), 43).t().contiguous();
        SweepOptions options;
        options.bcq.planes = 4;
        options.columnsPerScale = columnsPerScale;
        options.rowsPerScale = columnsPerScale == 1 ? N : 0;
        LayerSweep sweep(there, *factor, options);
        for (std::int64_t piece = 0; piece < sweep.pieces(); ++piece)
            sweep.runPiece(piece, CancelToken());
        PackedWeight packed = sweep.finish().packed;
        packed.exponents = transform.exponents;
        packed.inputRotation = transform.rotation;
        packed.outputRotation = 43;
        QVERIFY(packed.transformed());

        at::Tensor dense = at::empty({N, K}, at::kFloat);
        QCOMPARE(packed.unpack(dense.data_ptr<float>()), kernels::Status::Ok);
        // Four planes of a small matrix are near it in the basis that they were made in.
        const at::Tensor intended = transform.ofWeight(W), got = transform.ofWeight(dense);
        const double miss = (got - intended).square().sum().item<double>() / intended.square().sum().item<double>();
        QVERIFY2(miss < 0.05, qPrintable(QString::number(miss)));

        const at::Tensor some = x.slice(0, 0, tokens).contiguous();
        const at::Tensor bias = randomMatrix(1, N, 6)[0];
        const at::Tensor expected = at::linear(some, dense, bias);
        const at::Tensor y = PlanesLinear(packed, bias).forward(some);
        QVERIFY(largestDifference(y, expected) < 2e-4 * expected.abs().max().item<double>());
        QVERIFY(at::equal(some, x.slice(0, 0, tokens))); // the caller's activations stay as they are
    }

    void fewTokensTakeTheFastProductWhereAsked()
    {
        const std::int64_t N = 128, K = 96;
        const auto factor = factorize(at::eye(K, at::kDouble), 8, 0.01);
        QVERIFY(factor);
        SweepOptions options;
        options.bcq.planes = 2;
        options.rowsPerScale = 64;
        const at::Tensor W = randomMatrix(N, K, 11);
        LayerSweep sweep(W, *factor, options);
        for (std::int64_t piece = 0; piece < sweep.pieces(); ++piece)
            sweep.runPiece(piece, CancelToken());
        const PackedWeight packed = sweep.finish().packed;
        if (!kernels::lutGemmHasFast(packed.view()))
            QSKIP("the portable unit has no fast product");
        const at::Tensor x = randomMatrix(20, K, 12);
        const PlanesLinear exact(packed, {}), few(packed, {}, 4), all(packed, {}, 1000);
        const at::Tensor truth = exact.forward(x), fast = all.forward(x);
        QVERIFY(!at::equal(fast, truth));
        QVERIFY(largestDifference(fast, truth) < 2e-3 * truth.abs().max().item<double>());
        for (int t = 0; t < 20; ++t) // tokens go one by one
            QVERIFY(at::equal(few.forward(x.slice(0, t, t + 1)), fast.slice(0, t, t + 1)));
        QVERIFY(at::equal(few.forward(x.slice(0, 0, 4)), exact.forward(x.slice(0, 0, 4))));
        QVERIFY(at::equal(few.forward(x), truth));
    }

    void outliersAreFoundAndOthersLeftAlone()
    {
        const std::int64_t K = 40;
        at::Tensor x = randomMatrix(500, K, 7), W = randomMatrix(30, K, 8);
        x.select(1, 5).mul_(30.0);
        W.select(1, 5).div_(30.0);
        x.select(1, 11).div_(16.0);
        W.select(1, 11).mul_(16.0);
        x.select(1, 17).zero_(); // an input that is always 0
        W.select(1, 23).zero_();
        const at::Tensor H = at::mm(x.t(), x).to(at::kDouble);
        const auto exponents = balancingExponents(H, {W.slice(0, 0, 10), W.slice(0, 10)}, 1.5);
        QCOMPARE(exponents.size(), static_cast<std::size_t>(K));
        for (std::size_t k = 0; k < exponents.size(); ++k)
            QCOMPARE(int(exponents[k]), k == 5 ? -5 : k == 11 ? 4 : 0);
        QVERIFY(balancingExponents(H.slice(0, 24).slice(1, 24), {W.slice(1, 24)}, 1.5).empty());
        QVERIFY(balancingExponents(at::zeros({K, K}, at::kDouble), {W}, 0.5).empty());
    }
};

QTEST_APPLESS_MAIN(TestTransform)
#include "tst_transform.moc"
