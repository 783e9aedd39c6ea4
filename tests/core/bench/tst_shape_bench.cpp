// SPDX-License-Identifier: GPL-3.0-or-later
// What the benchmark promises besides speed: the right cases, checked products, a way to stop.
#include "core/bench/shape_bench.h"

#include <QTest>

using namespace sa;

namespace
{

ShapeBenchRequest smallRequest()
{
    ShapeBenchRequest request;
    request.cases = {{96, 200, 3, 12, 8, 1}, {70, 65, 2, 70, 1, 2}, {512, 64, 1, 2, 8, 1}};
    request.repeats = 1;
    request.seed = 5;
    request.rotatedBytes = 1 << 13;
    request.readBytes = 1 << 20;
    return request;
}

void naiveProduct(const float* weight, const float* x, float* y, int N, int K)
{
    for (int n = 0; n < N; ++n) {
        y[n] = 0;
        for (int k = 0; k < K; ++k)
            y[n] += weight[static_cast<std::ptrdiff_t>(n) * K + k] * x[k];
    }
}

} // namespace

class TestShapeBench : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void everyCaseIsCheckedAndTimedBesideItsBounds()
    {
        const ShapeBenchRequest request = smallRequest();
        std::vector<int> heard;
        const auto bench =
            cpuShapeBench(request, 1, naiveProduct, CancelToken(), [&](int done) { heard.push_back(done); });
        QVERIFY2(bench, bench ? "" : bench.error().sentence().c_str());
        QVERIFY(heard == std::vector<int>({1, 2, 3}));
        QVERIFY(bench->readCeiling > 0);
        QVERIFY(QString::fromStdString(bench->device).contains("1 threads"));
        QCOMPARE(bench->rows.size(), request.cases.size());
        for (std::size_t i = 0; i < bench->rows.size(); ++i) {
            const ShapeBenchRow& row = bench->rows[i];
            const ShapeCase& wanted = request.cases[i];
            QCOMPARE(row.shape.N, wanted.N);
            QCOMPARE(row.planeBytes, static_cast<std::int64_t>(wanted.N) * wanted.K * wanted.q / 8);
            QVERIFY(row.relativeError > 0 && row.relativeError <= 2e-6);
            for (const Timing& timing : {row.product, row.read, row.dense})
                QVERIFY(timing.least > 0 && timing.least <= timing.median && timing.median <= timing.most);
        }
        QCOMPARE(bench->rows[0].path, std::string("tables"));
        QCOMPARE(bench->rows[2].path, std::string("shared tables"));
    }

    void theFastProductIsTimedWhereAShapeHasOne()
    {
        ShapeBenchRequest request = smallRequest();
        request.fast = true;
        const auto bench = cpuShapeBench(request, 1, {}, CancelToken());
        QVERIFY2(bench, bench ? "" : bench.error().sentence().c_str());
        QCOMPARE(bench->rows[0].path, std::string("tables")); // 12 rows a scale
        QVERIFY(bench->rows[0].relativeError <= 2e-6);
        QCOMPARE(bench->rows[2].path, std::string("shared tables"));
        if (QString::fromStdString(bench->device).contains("SCALAR"))
            QSKIP("the portable unit has no fast product");
        QCOMPARE(bench->rows[1].path, std::string("14-bit tables"));
        QVERIFY(bench->rows[1].relativeError > 2e-6 && bench->rows[1].relativeError <= 1e-3);
    }

    void withoutADenseProductThereIsNone()
    {
        const auto bench = cpuShapeBench(smallRequest(), 1, {}, CancelToken());
        QVERIFY(bench);
        QCOMPARE(bench->rows.front().dense.median, 0.0);
    }

    void itStopsWhenAsked()
    {
        CancelToken cancel;
        cancel.cancel();
        const auto bench = cpuShapeBench(smallRequest(), 1, naiveProduct, cancel);
        QVERIFY(!bench);
        QCOMPARE(bench.error().code, Errc::Cancelled);
    }

    void aDeviceThatIsNotThereIsAnError()
    {
        const auto bench = gpuShapeBench(99, smallRequest(), CancelToken());
        QVERIFY(!bench);
        QVERIFY(bench.error().code == Errc::Unsupported || bench.error().code == Errc::Device);
    }
};

QTEST_APPLESS_MAIN(TestShapeBench)
#include "tst_shape_bench.moc"
